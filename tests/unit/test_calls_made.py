from __future__ import annotations

from dataclasses import replace

from gateway.calls_made import MOST_CALLS, CallLog, CallMade, calls_of, text_of

CALL = CallMade(
    at_ms=1,
    operation="orders.2026-01-01.getOrder",
    method="GET",
    outcome="ok",
    status=200,
    requests=2,
    duration_ms=30,
    waited_ms=10,
    request_id="r-1",
)


def test_a_log_keeps_the_newest() -> None:
    log = CallLog()
    assert log.calls == ()
    for n in range(MOST_CALLS + 7):
        log.note(replace(CALL, at_ms=n))
    assert [one.at_ms for one in log.calls] == list(range(7, MOST_CALLS + 7))


def test_texts_put_behind_each_other_are_read_as_one() -> None:
    deferred = replace(CALL, outcome="deferred", status=None, until_ms=9, request_id=None)
    assert calls_of(text_of([CALL]) + text_of([deferred, CALL])) == [CALL, deferred, CALL]
    assert calls_of("") == []


def test_a_line_whose_head_was_cut_off_is_left_out() -> None:
    text = text_of([CALL, replace(CALL, request_id='{"')])
    whole = len(text_of([CALL]))
    for cut in range(1, whole):
        assert len(calls_of(text[cut:])) == 1
    assert calls_of(text[len(text) - 3 :]) == []
