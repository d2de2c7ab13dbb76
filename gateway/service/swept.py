"""Sweeps of a process: the job, its schedules, and what ingest notes for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.dispatch.registry import Registry
from gateway.jobs.slots import Schedule
from gateway.sweep.kinds import SweptType, subject_of
from gateway.sweep.sweeping import JOB, SweepDesk, SweepSettings, sweep_router

if TYPE_CHECKING:
    from gateway.model import Envelope
    from gateway.settings import Settings


def with_sweeps(registry: Registry | None, desk: SweepDesk | None) -> Registry:
    """Return the handlers of a registry with the job `sweep` beside them."""
    handlers = sweep_router(desk).handlers
    if registry is None:
        return Registry(handlers)
    return Registry((*registry.handlers.values(), *handlers), registry.event_types.values())


def sweep_settings(settings: Settings) -> SweepSettings:
    """Return the bounds of sweeps."""
    sweep = settings.sweep
    return SweepSettings(
        first=timedelta(seconds=sweep.first_s),
        grace=timedelta(seconds=sweep.grace_s),
        overlap=timedelta(seconds=sweep.overlap_s),
        kinds={
            SweptType.REPORT_PROCESSING_FINISHED: sweep.report_types,
            SweptType.FEED_PROCESSING_FINISHED: sweep.feed_types,
        },
    )


def sweep_schedules(settings: Settings) -> Sequence[Schedule]:
    """Return when what is swept; sellers are spread over the whole interval."""
    sweep = settings.sweep
    return [
        Schedule(
            name=f"sweep:{swept}",
            job=JOB,
            every_s=sweep.every_s,
            jitter_s=sweep.every_s * 0.9,
            options={"type": swept},
        )
        for swept in sweep.types
    ]


def subjects_noted(settings: Settings) -> Callable[[Envelope], str | None] | None:
    """Return what ingest asks for the subject of each notification; None where nothing is swept."""
    types = frozenset(settings.sweep.types)
    if not types:
        return None
    return lambda envelope: subject_of(envelope) if envelope.type in types else None
