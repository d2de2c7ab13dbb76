"""What a caller is told of a fault, and what not."""

from __future__ import annotations

import pytest

from gateway.admin.problems import TITLES, Refusal, refusal_of
from gateway.admin.table import ROUTES
from gateway.errors import (
    ArchiveUnavailableError,
    ConfigurationError,
    ConflictError,
    Fault,
    GatewayError,
    InvalidInputError,
    NotFoundError,
    SealError,
    StoreUnavailableError,
)
from gateway.store.outbox import IdempotencyConflictError

FAULT = Fault(where="url", what="it is refused", mend="take another")


@pytest.mark.parametrize(
    ("exc", "status", "word"),
    [
        (NotFoundError("x"), 404, "not-found"),
        (InvalidInputError("x"), 422, "invalid"),
        (ConfigurationError([FAULT]), 422, "invalid"),
        (ConflictError("x"), 409, "conflict"),
        (IdempotencyConflictError("x"), 422, "idempotency-key"),
        (StoreUnavailableError("/srv/gateway.db: disk I/O error"), 503, "unreachable"),
        (ArchiveUnavailableError("s3://bucket: NoSuchBucket"), 503, "unreachable"),
        (SealError("x"), 500, "failed"),
        (GatewayError("x"), 500, "failed"),
        (KeyError("x"), 500, "unexpected"),
    ],
)
def test_each_exception_has_one_answer(exc: Exception, status: int, word: str) -> None:
    refusal = refusal_of(exc)
    assert (refusal.status, refusal.word) == (status, word)
    problem = refusal.problem("req_1")
    assert (problem.type, problem.title) == (f"urn:gateway:problem:{word}", TITLES[status])
    assert problem.request_id == "req_1"


@pytest.mark.parametrize(
    "exc",
    [
        StoreUnavailableError("/srv/hidden.db: hidden"),
        GatewayError("hidden"),
        ValueError("hidden"),
        SealError("hidden"),
    ],
)
def test_what_is_wrong_inside_is_for_the_log(exc: Exception) -> None:
    assert "hidden" not in refusal_of(exc).problem("req_1").model_dump_json()


def test_a_databases_words_are_for_the_log_and_ours_for_the_caller() -> None:
    inner = ConflictError("UNIQUE constraint failed: hidden.id")
    inner.__cause__ = ValueError("hidden")
    assert "hidden" not in refusal_of(inner).detail
    assert refusal_of(ConflictError("it is being sent now")).detail == "it is being sent now"


def test_credentials_in_words_are_masked() -> None:
    refusal = Refusal(
        status=422,
        word="invalid",
        detail="whsec_C2FVsBQIhrscChlQIMV",
        faults=[Fault(where="auth", what="Bearer abcdefgh.ijk", mend="spgw_0123456789")],
    )
    told = refusal.problem("req_1").model_dump_json()
    assert not [part for part in ("C2FVsBQ", "abcdefgh", "0123456789") if part in told]


def test_every_status_that_a_route_may_answer_has_words() -> None:
    statuses = {status for route in ROUTES for status in route.statuses() if status >= 400}
    assert statuses <= set(TITLES)


def test_a_dependency_beside_the_database_is_not_called_the_database() -> None:
    store = refusal_of(StoreUnavailableError("/srv/gateway.db: disk I/O error"))
    assert store.detail == "the database can't be used now"
    archive = refusal_of(ArchiveUnavailableError("s3://bucket: NoSuchBucket"))
    assert archive.detail == "what this needs beside the database can't be used now"
    assert archive.headers == store.headers
