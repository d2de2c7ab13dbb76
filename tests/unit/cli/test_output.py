"""What goes to stdout, for machines and for people."""

from __future__ import annotations

import io
import json

from gateway.cli.invocation import Invocation
from gateway.cli.output import Output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def output(*, as_json: bool, terminal: bool = False) -> tuple[Output, io.StringIO, io.StringIO]:
    stdout, stderr = Terminal() if terminal else io.StringIO(), io.StringIO()
    invocation = Invocation(json=as_json, config=None, environ={}, stdout=stdout, stderr=stderr)
    return Output(invocation), stdout, stderr


ROWS = [{"id": "ep_1", "url": "https://a\x1b[31m\n/x", "on": True, "types": ["a", "b"], "n": None}]
COLUMNS = ("id", "url", "on", "types", "n")


def test_a_list_is_one_json_value() -> None:
    out, stdout, stderr = output(as_json=True)
    out.items(ROWS, columns=("id",), next_cursor="ep_1")
    assert json.loads(stdout.getvalue()) == {"items": ROWS, "next_cursor": "ep_1"}
    assert stdout.getvalue().count("\n") == 1
    assert stderr.getvalue() == ""


def test_the_last_page_has_a_null_cursor() -> None:
    out, stdout, _ = output(as_json=True)
    out.items([], columns=("id",))
    assert json.loads(stdout.getvalue()) == {"items": [], "next_cursor": None}


def test_an_object_is_one_json_value_whatever_people_would_read() -> None:
    out, stdout, _ = output(as_json=True)
    out.value({"id": "ep_1"}, text="Added.")
    assert json.loads(stdout.getvalue()) == {"id": "ep_1"}


def test_plain_lines_for_a_pipe() -> None:
    out, stdout, stderr = output(as_json=False)
    out.items(ROWS, columns=COLUMNS, next_cursor="ep_1")
    assert stdout.getvalue() == ("id\turl\ton\ttypes\tn\nep_1\thttps://a [31m /x\tyes\ta, b\t-\n")
    assert "--after ep_1" in stderr.getvalue()


def test_a_table_for_a_terminal_holds_no_control_characters_of_others() -> None:
    out, stdout, _ = output(as_json=False, terminal=True)
    out.items(ROWS, columns=COLUMNS)
    assert "\t" not in stdout.getvalue()
    assert "\x1b[31m" not in stdout.getvalue()
    assert "ep_1" in stdout.getvalue()


def test_an_object_in_lines() -> None:
    out, stdout, _ = output(as_json=False)
    out.value({"id": "x", "attempts": [{"n": 1}], "empty": {}})
    assert stdout.getvalue() == 'id        x\nattempts  [{"n":1}]\nempty     {}\n'


def test_a_person_sees_a_bar_and_a_pipe_nothing() -> None:
    shown, piped = Terminal(), io.StringIO()
    for stderr, as_json in ((shown, False), (piped, False), (Terminal(), True)):
        invocation = Invocation(
            json=as_json, config=None, environ={}, stdout=io.StringIO(), stderr=stderr
        )
        with Output(invocation).progress("Looking [at it]") as tell:
            tell("3 of 4 [done]", 0.75)
        if stderr is not shown:
            assert stderr.getvalue() == ""
    assert "3 of 4 [done]" in shown.getvalue()
    assert "75%" in shown.getvalue()
