"""Nothing that is written into a request's head can end its line, or the head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http1.messages import Answer, ending, field_lines, request_line


def test_a_whole_head():
    head = request_line("POST", "/hook?a=%20b", "example.com:8443")
    head += field_lines({"X-One": "1"}) + ending(7)
    assert head == (
        b"POST /hook?a=%20b HTTP/1.1\r\nHost: example.com:8443\r\nX-One: 1\r\n"
        b"Content-Length: 7\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("method", "target", "host"),
    [
        ("POST X", "/", "h"),
        ("POST", "/a b", "h"),
        ("POST", "/a\r\nX: y", "h"),
        ("POST", "http://other/", "h"),
        ("POST", "", "h"),
        ("POST", "/é", "h"),
        ("POST", "/", "h\r\nX: y"),
    ],
)
def test_a_line_that_would_say_more_than_one_request_is_refused(method, target, host):
    with pytest.raises(ValueError):
        request_line(method, target, host)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "é", " a", "a\r"])
def test_a_name_that_is_no_token_is_refused(name):
    with pytest.raises(ValueError, match="no header name"):
        field_lines({name: "x"})


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX: y", "\x00", "\x7f", "a\r"])
def test_a_value_that_could_end_its_line_is_refused_and_not_repeated(value):
    with pytest.raises(ValueError, match="can't stand in a header") as caught:
        field_lines({"X-Key": f"s3cret{value}"})
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=30), st.text(max_size=60))
def test_one_header_is_one_line_or_none(name, value):
    try:
        lines = field_lines([(name, value)])
    except ValueError:
        return
    assert lines.endswith(b"\r\n")
    assert lines.count(b"\n") == lines.count(b"\r") == 1
    assert lines == f"{name}: {value}\r\n".encode()


def test_an_answer_is_never_longer_than_asked_for():
    answer = Answer(5, headers=[(b"RETRY-after", b"7"), (b"retry-after", b"8")])
    answer.chunks += [b"abc", b"def"]
    assert answer.body == b"abcde"
    assert answer.header(b"retry-after") == "7"
    assert answer.header(b"date") is None
