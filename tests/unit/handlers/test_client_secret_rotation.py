from __future__ import annotations

from typing import Any

from gateway import ClientSecret
from gateway.dispatch.outcomes import result_of
from gateway.model import HandlingState
from gateway.testing import FakeSpApi, a_notification, run_handler
from handlers.client_secret_rotation import router
from tests.support.events import assert_fits
from tests.unit.dispatch.test_outcomes import run

CLIENT = "amzn1.application-oa2-client.1"
SECRET = "amzn1.oa2-cs.v1.very-secret"


async def test_an_expiring_secret_is_renewed() -> None:
    api = FakeSpApi().answers("rotateApplicationClientSecret", {})

    async def application(client_id: str) -> Any:
        assert client_id == CLIENT
        return api.for_application()

    notification = a_notification(
        "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY", client_id=CLIENT, seller_id=None
    )
    ran = await run_handler(router, notification, spapi=api, applications=application)
    assert len(api.made("rotateApplicationClientSecret")) == 1
    assert ran.event.type == "client_secret.expiring"
    assert_fits(router, ran.event)


async def test_a_new_secret_is_answered_and_told_nowhere_else() -> None:
    notification = a_notification(
        "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        client_id=CLIENT,
        client_secret=SECRET,
        seller_id=None,
    )
    handler = next(one for one in router.handlers if one.name == "client_secret_new")
    answer: Any = await handler.function(handler.view(notification), None)  # type: ignore[arg-type]
    [secret] = [one for one in answer if isinstance(one, ClientSecret)]
    assert secret.secret == SECRET
    assert secret.old_expires_at is not None
    assert SECRET not in repr(answer)
    ran = await run_handler(router, notification)
    assert SECRET not in repr(ran)
    assert_fits(router, ran.event)


def test_only_amazons_notification_may_change_a_secret() -> None:
    result = result_of(run(), [ClientSecret(client_id=CLIENT, secret=SECRET)])
    assert result.state is HandlingState.DEAD
    assert result.secrets == ()
    assert SECRET not in str(result)
