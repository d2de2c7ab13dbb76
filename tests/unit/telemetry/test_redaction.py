"""No credential survives the redactor, wherever it hides."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.redaction import MASK, is_secret_name, redact, redact_text

CREDENTIALS = [
    "Atzr|IwEBIA-abc_123",
    "Atza|IwEBIA-abc_123",
    "Atzr%7CIwEBIA-abc_123",
    "Atz.sprdt|IwEBIA-abc_123",
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbf",
    "amzn1.oa2-cs.v1.0123456789abcdef",
    "spgw_0199c0de_aB3-kEy_0123456789abcdef",
    "Bearer eyJhbGciOi.abc.def",
    "X-Amz-Signature=0123456789abcdef",
    "X-Amz-Security-Token=FwoGZXIvYXdz%2F",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_credentials_are_known_by_their_shape(credential: str) -> None:
    secret = re.split(r"[|_= ]|%7C|cs\.", credential, maxsplit=1)[-1]
    for text in (
        credential,
        f'"{credential}",',
        f"https://h/p?x=1&{credential}&y=2",
        f"a {credential} b",
    ):
        assert secret not in redact_text(text)
        assert MASK in redact_text(text)


def test_the_password_of_a_url() -> None:
    assert (
        redact_text("to postgresql://me:pa55@db:5432/x failed")
        == f"to postgresql://me:{MASK}@db:5432/x failed"
    )
    assert redact_text("https://host:8443/a@b") == "https://host:8443/a@b"


@pytest.mark.parametrize(
    "name",
    [
        "refresh_token",
        "refreshToken",
        "REFRESH-TOKEN",
        "x-amz-access-token",
        "Authorization",
        "client_secret",
        "newClientSecret",
        "spapi_oauth_code",
        "restrictedDataToken",
        "Set-Cookie",
        "aws_session_token",
        "database_password",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert redact({"a": [{name: "plain"}]}) == {"a": [{name: MASK}]}


@pytest.mark.parametrize(
    "name",
    ["token", "claim_token", "secret_id", "refresh_token_file", "key", "order_key", "author"],
)
def test_names_that_stay_readable(name: str) -> None:
    assert redact({name: "v"}) == {name: "v"}


def test_an_unset_secret_is_seen_to_be_unset() -> None:
    assert redact({"client_secret": None, "password": ""}) == {
        "client_secret": None,
        "password": "",
    }


def test_other_values_become_harmless() -> None:
    class Holder:
        def __repr__(self) -> str:
            return "Holder(token='Atzr|abcdef')"

    assert redact(b"Atzr|abcdef") == "<11 bytes>"
    assert redact(Holder()) == f"Holder(token='Atzr|{MASK}')"
    assert redact(ValueError("Atzr|abcdef")) == f"ValueError('Atzr|{MASK}')"
    assert redact({"Atzr|abcdef": 1}) == {f"Atzr|{MASK}": 1}
    deep: list[object] = []
    deep.append(deep)
    assert "…" in str(redact(deep))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=10)
    | st.just("…Atzr|hidden-token"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_a_token_never_comes_through(value: object) -> None:
    assert "hidden-token" not in repr(redact(value))
