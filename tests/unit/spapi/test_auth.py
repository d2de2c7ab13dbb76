import asyncio
from dataclasses import replace

import pytest

from gateway.errors import (
    SpApiAuthorizationError,
    SpApiRequestError,
    SpApiRetryableError,
    StoreUnavailableError,
)
from gateway.spapi.auth import LwaTokens
from tests.support.clock import FakeClock
from tests.support.spapi import (
    CLIENT_SECRET,
    LWA,
    REFRESH_TOKEN,
    FakeAmazon,
    FakeDirectory,
    answer,
    seller,
)

SCOPE = "sellingpartnerapi::notifications"


class Login:
    """Tokens over a scripted Login with Amazon."""

    def __init__(self, *replies):
        self.clock = FakeClock()
        self.amazon = FakeAmazon(lwa=list(replies))
        self.directory = FakeDirectory()
        self.tokens = LwaTokens(
            transport=self.amazon, directory=self.directory, clock=self.clock, endpoint=LWA
        )


def refusal(code, description="", status=400):
    return answer(status, {"error": code, "error_description": description})


async def test_a_sellers_token_is_asked_for_with_its_own_credentials():
    login = Login()
    token = await login.tokens.for_seller(seller())

    assert token.value == "token-1"
    assert login.amazon.logins == [
        {
            "grant_type": "refresh_token",
            "refresh_token": REFRESH_TOKEN,
            "client_id": "client",
            "client_secret": CLIENT_SECRET,
        }
    ]


async def test_a_grantless_token_is_asked_for_by_scope():
    login = Login()
    await login.tokens.for_application("app", SCOPE)

    assert login.amazon.logins[0]["grant_type"] == "client_credentials"
    assert login.amazon.logins[0]["scope"] == SCOPE
    assert "refresh_token" not in login.amazon.logins[0]


async def test_fifty_callers_make_one_request():
    login = Login()
    got = await asyncio.gather(*(login.tokens.for_seller(seller()) for _ in range(50)))

    assert {token.value for token in got} == {"token-1"}
    assert len(login.amazon.logins) == 1


async def test_no_token_is_lent_to_another_seller_region_scope_or_authorisation():
    login = Login()
    got = [
        await login.tokens.for_seller(seller("S1")),
        await login.tokens.for_seller(seller("S2")),
        await login.tokens.for_seller(seller("S1", region="na")),
        await login.tokens.for_application("app", SCOPE),
        await login.tokens.for_application("app", "other"),
        await login.tokens.for_seller(seller("S1", refresh_token="a new one")),
    ]

    assert len({token.value for token in got}) == 6


async def test_a_token_serves_until_a_minute_before_its_end():
    login = Login()
    await login.tokens.for_seller(seller())
    login.clock.advance(3600 - 301)
    assert (await login.tokens.for_seller(seller())).value == "token-1"
    login.clock.advance(242)

    assert (await login.tokens.for_seller(seller())).value == "token-2"


async def test_late_in_its_life_one_caller_renews_and_the_others_do_not_wait():
    login = Login()
    await login.tokens.for_seller(seller())
    login.clock.advance(3600 - 200)
    got = await asyncio.gather(*(login.tokens.for_seller(seller()) for _ in range(20)))

    assert [token.value for token in got] == ["token-2"] + ["token-1"] * 19
    assert len(login.amazon.logins) == 2


async def test_a_failed_early_renewal_costs_nobody_a_call():
    login = Login()
    await login.tokens.for_seller(seller())
    login.clock.advance(3600 - 200)
    login.amazon.lwa = [answer(503, b"<html>")]
    got = [(await login.tokens.for_seller(seller())).value for _ in range(5)]

    assert got == ["token-1"] * 5
    assert len(login.amazon.logins) == 2
    login.clock.advance(11)
    await login.tokens.for_seller(seller())
    assert len(login.amazon.logins) == 3


async def test_short_lived_tokens_are_used_too():
    login = Login(answer(200, {"access_token": "short", "expires_in": "10"}))
    for _ in range(3):
        await login.tokens.for_seller(seller())

    assert len(login.amazon.logins) == 1


async def test_a_revoked_seller_is_paused_and_every_caller_told():
    login = Login(refusal("invalid_grant", "The request has an invalid grant parameter"))
    got = await asyncio.gather(
        *(login.tokens.for_seller(seller()) for _ in range(10)), return_exceptions=True
    )

    assert {type(result) for result in got} == {SpApiAuthorizationError}
    assert len(login.amazon.logins) == 1
    ((paused, reason),) = login.directory.paused
    assert paused == "S1"
    assert "invalid_grant" in reason
    assert got[0].code == "invalid_grant"


async def test_a_pause_that_fails_does_not_hide_the_refusal():
    login = Login(refusal("invalid_grant"))

    async def pause(seller_id, region, reason):
        raise StoreUnavailableError("away")

    login.directory.pause = pause
    with pytest.raises(SpApiAuthorizationError, match="invalid_grant"):
        await login.tokens.for_seller(seller())


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (
            refusal("invalid_client", "Client authentication failed", 401),
            "client_id or client_secret",
        ),
        (refusal("unauthorized_client"), "may not ask for this token"),
        (refusal("invalid_scope"), "no such scope"),
        (
            refusal("invalid_client", "The LWA secret token you provided has expired."),
            "secret has expired",
        ),
        (
            answer(
                403, {"errors": [{"message": "The LWA secret token you provided has expired."}]}
            ),
            "secret has expired",
        ),
    ],
)
async def test_what_the_application_must_mend_is_named_and_pauses_nobody(reply, says):
    login = Login(reply)

    with pytest.raises(SpApiAuthorizationError, match=says):
        await login.tokens.for_seller(seller())
    with pytest.raises(SpApiAuthorizationError, match=says):
        await login.tokens.for_application("app", SCOPE)
    assert login.directory.paused == []


@pytest.mark.parametrize(
    "reply",
    [
        answer(500, b""),
        answer(503, b"<html>"),
        answer(429, {}),
        answer(200, b'{"acc'),
        answer(200, {}),
        answer(200, {"access_token": 7}),
    ],
)
async def test_a_fault_of_amazons_is_one_to_wait_out(reply):
    login = Login(reply)

    with pytest.raises(SpApiRetryableError, match=r"S1 \(eu\)"):
        await login.tokens.for_seller(seller())


async def test_a_request_that_is_wrong_says_so():
    login = Login(refusal("invalid_request"))

    with pytest.raises(SpApiRequestError, match="invalid_request"):
        await login.tokens.for_seller(seller())


async def test_after_a_refusal_one_new_token_serves_all():
    login = Login()
    old = await login.tokens.for_seller(seller())

    assert login.tokens.cache.refuse(old, expired=False)
    new = await login.tokens.for_seller(seller())
    assert login.tokens.cache.refuse(old, expired=False)  # of another call that carried the old one
    assert await login.tokens.for_seller(seller()) is new
    assert len(login.amazon.logins) == 2


async def test_a_missing_role_does_not_make_it_ask_on_and_on():
    login = Login()
    login.tokens.cache.refuse(await login.tokens.for_seller(seller()), expired=False)
    forced = await login.tokens.for_seller(seller())

    assert not login.tokens.cache.refuse(forced, expired=False)
    assert await login.tokens.for_seller(seller()) is forced
    login.clock.advance(61)
    assert login.tokens.cache.refuse(forced, expired=False)


async def test_a_token_that_amazon_calls_expired_is_always_renewed():
    login = Login()
    login.tokens.cache.refuse(await login.tokens.for_seller(seller()), expired=True)

    assert login.tokens.cache.refuse(await login.tokens.for_seller(seller()), expired=True)


async def test_secrets_are_in_no_repr_and_no_error():
    login = Login()
    token = await login.tokens.for_seller(seller())
    login.amazon.lwa = [refusal("invalid_grant", f"no good: {REFRESH_TOKEN}")]
    with pytest.raises(SpApiAuthorizationError) as caught:
        await login.tokens.for_seller(seller(refresh_token=REFRESH_TOKEN + "2"))

    shown = f"{token!r} {caught.value} {caught.value!r} {login.directory.paused} {replace(token)!r}"
    for secret in (token.value, REFRESH_TOKEN, CLIENT_SECRET):
        assert secret not in shown


async def test_a_code_is_exchanged_for_a_refresh_token_once():
    login = Login(answer(200, {"access_token": "t", "refresh_token": "Atzr|new"}))
    token = await login.tokens.redeem("app", "the-code", redirect_uri="https://gateway.test/back")

    assert token == "Atzr|new"
    assert login.amazon.logins == [
        {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": "https://gateway.test/back",
            "client_id": "client",
            "client_secret": CLIENT_SECRET,
        }
    ]


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (refusal("invalid_grant"), SpApiAuthorizationError, "invalid_grant"),
        (refusal("invalid_client", status=401), SpApiAuthorizationError, "invalid_client"),
        (refusal("invalid_request"), SpApiRequestError, "invalid_request"),
        (answer(503, {}), SpApiRetryableError, None),
        (answer(200, {"access_token": "t"}), SpApiRetryableError, None),
    ],
)
async def test_a_code_that_is_refused_pauses_nobody_and_is_in_no_error(reply, error, code):
    login = Login(reply)
    with pytest.raises(error) as caught:
        await login.tokens.redeem("app", "the-code", redirect_uri="https://gateway.test/back")

    assert caught.value.code == code
    assert "the-code" not in str(caught.value)
    assert login.directory.paused == []
