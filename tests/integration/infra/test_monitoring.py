"""Alerts and panels: expressions of Prometheus's grammar, over metrics and labels that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from gateway.telemetry.metrics import Backlog
from tests.support.metrics import metric_names

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "monitoring"
METRICS = metric_names()
# What Prometheus itself adds to each series.
OWN_LABELS = {"job", "instance"}

(GROUP,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
ALERTS: list[dict[str, Any]] = GROUP["rules"]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            # Grafana's own variable stands for a range, such as this one.
            expr = target["expr"].replace("$__rate_interval", "5m")
            yield f"{panel['title']} {target['refId']}", expr


EXPRESSIONS = dict(expressions())


def faults(expression: str) -> list[str]:
    """What is wrong with an expression: grammar, metrics, labels, kinds of backlog."""
    try:
        tree = promql_parser.parse(expression)
    except ValueError as exc:
        return [str(exc)]
    found, used = [], set()
    for selector in selectors(tree):
        name = selector.name or ""
        if name not in METRICS:
            found.append(f"there is no metric {name}")
            continue
        used |= METRICS[name] | OWN_LABELS
        for matcher in selector.matchers.matchers:
            if matcher.name not in METRICS[name] | OWN_LABELS:
                found.append(f"{name} has no label {matcher.name}")
            if matcher.name == "kind" and matcher.value not in set(Backlog):
                found.append(f"{name} has no kind {matcher.value}")
    for labels in re.findall(r"\bby \(([^)]*)\)", expression):
        wanted = {label.strip() for label in labels.split(",")}
        found += [f"no metric here has a label {label}" for label in sorted(wanted - used)]
    return found


def selectors(tree: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(tree, visit)
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_stands_on_what_exists(name: str) -> None:
    assert faults(EXPRESSIONS[name]) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("sum(rate(gateway_events_total[5m])", "."),
        ("rate(gateway_event_total[5m])", "no metric gateway_event_total"),
        ('gateway_pending{queue="x"}', "has no label queue"),
        ('gateway_pending{kind="orders"}', "has no kind orders"),
        ("sum by (queue) (gateway_pending)", "label queue"),
    ],
)
def test_a_wrong_expression_is_noticed(expression: str, fault: str) -> None:
    assert re.search(fault, "; ".join(faults(expression)))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    assert set(alert) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Gateway[A-Z]\w+", alert["alert"])
    assert re.fullmatch(r"\d+[smh]", alert.get("for", "0s"))
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert set(alert["annotations"]) == {"summary", "description"}
    commands = (ROOT / "docs" / "cli.md").read_text()
    for command in re.findall(r"`(gateway \w+ \w+)", str(alert["annotations"])):
        assert f"## `{command}" in commands
    shown = set(re.findall(r"\$labels\.(\w+)", " ".join(alert["annotations"].values())))
    kept = {
        label.strip()
        for labels in re.findall(r"\bby \(([^)]*)\)", alert["expr"])
        for label in labels.split(",")
    }
    assert shown <= kept, "the expression sums these labels away"


def test_alerts_have_names_of_their_own_and_cover_what_counts() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(set(names)) == len(names)
    used = " ".join(alert["expr"] for alert in ALERTS)
    for metric in (
        "gateway_store_up",
        "gateway_queue_up",
        "gateway_stage_up",
        "gateway_oldest_due_age_seconds",
        "gateway_dead",
        "gateway_quarantined",
        "gateway_throttle_wait_seconds_total",
    ):
        assert metric in used


def test_the_dashboard_is_one_that_grafana_can_lay_out() -> None:
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identities)) == len(identities)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["type"] == "datasource"
    for panel in PANELS:
        assert panel["type"] in {"stat", "timeseries"}
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
            assert target["expr"]
