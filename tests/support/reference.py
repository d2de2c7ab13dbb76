"""The reference tables of docs/, rendered from the code that they describe.

`python -m tests.support.reference` (`make docs`) writes them between the markers of each page;
tests/architecture/test_docs.py fails where a page and the code differ.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args, get_origin

from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import handlers
from gateway.admin.openapi import document, dumped
from gateway.admin.table import ROUTES
from gateway.cli.app import COMMANDS, load_command
from gateway.doctor.kinds import KINDS
from gateway.event_types import EventType
from gateway.gateway_events import GATEWAY_EVENTS
from gateway.notifications.known import TYPES
from gateway.settings import Settings
from gateway.settings.tree import SECRETS
from gateway.telemetry.metrics import Metrics

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- reference:begin -->", "<!-- reference:end -->"


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def settings_reference() -> str:
    """One table for each table of gateway.toml, with the default and meaning of each key."""
    return "\n".join(
        line for name, info in Settings.model_fields.items() for line in _section(name, info)
    )


def _section(name: str, info: FieldInfo) -> Iterator[str]:
    model, many = _table(info.annotation)
    yield f"## `[[{name}]]`" if many else f"## `[{name}]`"
    yield ""
    yield (model.__doc__ or "").strip()
    yield ""
    yield "| key | default | meaning |"
    yield "| --- | --- | --- |"
    for key, field in model.model_fields.items():
        if field.exclude:
            continue
        also = f", `{key}_file`" if key in SECRETS.get(name, ()) else ""
        yield f"| `{key}`{also} | {_default(field)} | {field.description} |"
        for inner, inner_field in _rows(field.annotation):
            yield f"| `{key}.{inner}` | {_default(inner_field)} | {inner_field.description} |"
    yield ""


def _table(annotation: Any) -> tuple[type[BaseModel], bool]:
    """The model behind an annotation, and whether there may be many of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    return get_args(annotation)[0], True


def _rows(annotation: Any) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a table inside, and behind any name those of the tables that a mapping holds."""
    if get_origin(annotation) is dict:
        value = get_args(annotation)[1]
        if isinstance(value, type) and issubclass(value, BaseModel):
            yield from ((f"….{name}", field) for name, field in value.model_fields.items())
        return
    for inner in (annotation, *get_args(annotation)):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from inner.model_fields.items()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    assert value is not PydanticUndefined
    if value is None or value in ((), {}):
        return "none"
    assert not isinstance(value, SecretStr)
    plain = [_plain(one) for one in value] if isinstance(value, tuple) else _plain(value)
    return f"`{json.dumps(plain)}`"


def _plain(value: object) -> object:
    """The value as a person writes it: 30 for 30.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────


def metrics_reference() -> str:
    """One row for each metric, as `/metrics` names it."""
    registry = CollectorRegistry()
    Metrics(registry, version="1")
    lines = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for collector in sorted(_collectors(registry), key=_metric_name):
        family = next(iter(collector.collect()))
        labels = ", ".join(f"`{label}`" for label in collector._labelnames) or "none"
        lines.append(
            f"| `{_metric_name(collector)}` | {family.type} | {labels} | {family.documentation} |"
        )
    return "\n".join(lines)


def _collectors(registry: CollectorRegistry) -> set[Any]:
    return set(registry._collector_to_names)


def _metric_name(collector: Any) -> str:
    family = next(iter(collector.collect()))
    return f"{family.name}_total" if family.type == "counter" else str(family.name)


# ── command line ──────────────────────────────────────────────────────────────────────────────────


def cli_reference() -> str:
    """One section for each command, with its arguments and options."""
    return "\n".join(
        line for name in COMMANDS for line in _command(load_command(name), ("gateway", name))
    )


def _command(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    inner = getattr(command, "commands", {})
    if inner:
        for name, child in inner.items():
            yield from _command(child, (*path, name))
        return
    yield f"## `{' '.join((*path, *_arguments(command)))}`"
    yield ""
    yield inspect.cleandoc(command.help or "").split("\n\n")[0].replace("\n", " ")
    yield ""
    options = [each for each in command.params if each.param_type_name == "option"]
    if options:
        yield "| option | meaning |"
        yield "| --- | --- |"
        for each in options:
            yield f"| `{', '.join((*each.opts, *each.secondary_opts))}` | {each.help or ''} |"
        yield ""


def _arguments(command: Any) -> Iterator[str]:
    for each in command.params:
        if each.param_type_name == "argument":
            name = str(each.name).upper()
            yield (name if each.required else f"[{name}]") + ("…" if each.nargs == -1 else "")


# ── HTTP API ──────────────────────────────────────────────────────────────────────────────────────


def api_reference() -> str:
    """One row for each route, by what it is about."""
    lines = []
    for tag in dict.fromkeys(route.tag for route in ROUTES):
        lines += [f"## {tag.capitalize()}", "", "| route | scope | what it does |"]
        lines += ["| --- | --- | --- |"]
        for route in (one for one in ROUTES if one.tag == tag):
            who = f"`{route.scope}`" if route.scope else "none"
            also = ", operators" if route.operators_only else ""
            lines.append(f"| `{route.method} {route.path}` | {who}{also} | {route.summary} |")
        lines.append("")
    return "\n".join(lines)


def openapi() -> bytes:
    """The document as it is served at `/v1/openapi.json`."""
    return dumped(document(ROUTES, version=version("spapi-event-gateway")))


# ── notification types and events ─────────────────────────────────────────────────────────────────


def notifications_reference() -> str:
    """One row for each notification type."""
    lines = [
        "| type | standing | payload versions | by way of | for | model | names no | follow-up |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines.extend(
        "| "
        + " | ".join(
            (
                f"`{one.name}`" + (f"<br>{one.note}" if one.note else ""),
                one.standing,
                ", ".join(one.payload_versions) or "unknown",
                one.workflow or "unknown",
                ", ".join(one.audience),
                f"`{one.model.__name__}`" if one.model else "none",
                ", ".join(
                    name
                    for name in ("seller", "marketplace")
                    if one.model and getattr(one.places, name) is None
                ),
                ", ".join(one.follow_up),
            )
        )
        + " |"
        for one in TYPES.values()
    )
    return "\n".join(lines)


def events_reference() -> str:
    """One section for each event type, with an example of what is its own."""
    declared = (*handlers.router.event_types, *GATEWAY_EVENTS)
    return "\n".join(
        line for one in sorted(declared, key=lambda one: one.type) for line in _event(one)
    )


def _event(event_type: EventType) -> Iterator[str]:
    yield from (f"## `{event_type.type}`", "", event_type.summary, "", "```json")
    yield from json.dumps(dict(event_type.example), indent=2, ensure_ascii=False).splitlines()
    yield from ("```", "")


# ── doctor ────────────────────────────────────────────────────────────────────────────────────────


def doctor_reference() -> str:
    """One row for each kind of finding that is no good one."""
    rows = ["| id | level | what is the matter | what comes of it | what mends it |"]
    rows.append("| --- | --- | --- | --- | --- |")
    for kind in KINDS.values():
        mend = kind.mend.replace("{", "").replace("}", "")
        cells = (f"`{kind.id}`", kind.level.value, kind.meaning, kind.why, mend)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api_reference,
    "settings.md": settings_reference,
    "metrics.md": metrics_reference,
    "cli.md": cli_reference,
    "notifications.md": notifications_reference,
    "events.md": events_reference,
    "doctor.md": doctor_reference,
}


def with_reference(page: str, reference: str) -> str:
    """Return a page's text with what stands between its markers replaced."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{reference.strip()}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    for name, render in PAGES.items():
        path = DOCS / name
        path.write_text(with_reference(path.read_text(), render()))
    (DOCS / "openapi.json").write_bytes(openapi())


if __name__ == "__main__":
    main()
