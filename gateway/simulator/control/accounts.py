"""Control of authorisations: tokens, secrets and sellers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.simulator.control.fields import Fields, Routes, text

if TYPE_CHECKING:
    from gateway.simulator.spapi.accounts import Accounts


class AccountControl:
    """Routes over applications, sellers and tokens."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def routes(self) -> Routes:
        """Return the routes by method and path."""
        return {
            ("POST", "/tokens/expire"): self._expire_tokens,
            ("POST", "/secrets/expire"): self._expire_secrets,
            ("POST", "/sellers/revoke"): self._revoke,
            ("POST", "/sellers/restore"): self._restore,
        }

    def _expire_tokens(self, fields: Fields) -> object:
        self._accounts.expire_tokens(text(fields, "seller") if "seller" in fields else None)
        return {}

    def _expire_secrets(self, fields: Fields) -> object:
        self._accounts.expire_secrets(text(fields, "client_id"))
        return {}

    def _revoke(self, fields: Fields) -> object:
        self._accounts.revoke(text(fields, "seller"))
        return {}

    def _restore(self, fields: Fields) -> object:
        self._accounts.restore(text(fields, "seller"))
        return {}
