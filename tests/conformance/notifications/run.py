"""Runs examples and random instances of schemas through the models, and counts what held."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, seed, settings

from gateway.notifications.known import TYPES
from tests.conformance.notifications.instances import instances as instances_of
from tests.conformance.notifications.judge import fault_of, forms, is_typed
from tests.conformance.notifications.schemas import Schema

INSTANCES = 60
"""Random instances of each schema, unless told otherwise."""


@dataclass
class Tally:
    """How it went; `failed` names the schema, the form and the fault."""

    examples: int = 0
    instances: int = 0
    readings: int = 0
    typed: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def run(schemas: Iterable[Schema], *, instances: int = INSTANCES) -> Tally:
    """Run them, one schema after the other; the same instances each time."""
    tally = Tally()
    for schema in schemas:
        for example in schema.examples:
            tally.examples += 1
            _judge(schema, example, tally, "example", all_forms=True)
        _random(schema, tally, instances)
        if schema.type in TYPES and not tally.typed[schema.file]:
            tally.failed.append(f"{schema.file}: nothing became a model")
    return tally


def _random(schema: Schema, tally: Tally, instances: int) -> None:
    chance = random.Random(schema.file)

    @seed(0)
    @settings(
        max_examples=instances,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(instances_of(schema.schema))
    def each(body: Any) -> None:
        tally.instances += 1
        _judge(schema, body, tally, "instance", all_forms=False, chance=chance)

    each()


def _judge(
    schema: Schema,
    body: Any,
    tally: Tally,
    what: str,
    *,
    all_forms: bool,
    chance: random.Random | None = None,
) -> None:
    possible = list(forms(body))
    for form, spelled, message in possible if all_forms else (chance or random).sample(possible, 4):
        tally.readings += 1
        fault = fault_of(spelled, message, type_=schema.type)
        if fault is not None:
            tally.failed.append(f"{schema.file} {what} ({form}): {fault}")
        tally.typed[schema.file] += is_typed(message)
