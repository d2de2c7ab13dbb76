"""Tokens 2021-03-01: restricted data tokens for personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.simulator.apis.restricted import asked_resources
from gateway.simulator.spapi.answers import denied
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.simulator.spapi.accounts import Accounts
    from gateway.simulator.spapi.call import Answering


class Tokens:
    """The one operation."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {"tokens.2021-03-01.createRestrictedDataToken": self._create}

    def _create(self, call: Call) -> Answer:
        if call.grant.data_elements is not None:
            raise denied("A restricted data token can't mint another.")
        token = self._accounts.restrict(call.grant, asked_resources(call.body))
        return Answer(body={"restrictedDataToken": token, "expiresIn": self._accounts.token_life_s})
