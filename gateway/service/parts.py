"""From settings to single objects: one small function for each thing that is made of settings."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from gateway.breaker import HealthRules
from gateway.delivery.deliverer import DeliverySettings
from gateway.dispatch.dispatcher import DispatchSettings
from gateway.errors import ConfigurationError, Fault, InvalidInputError, NotFoundError
from gateway.jobs.requests import checked
from gateway.jobs.slots import Schedule
from gateway.model import Application, Seller, UsagePlan
from gateway.spapi.assembly import ClientOptions
from gateway.spapi.auth import LWA_ENDPOINT
from gateway.spapi.documents.limits import DocumentLimits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from gateway.dispatch.registry import Registry
    from gateway.settings import Settings


def dispatch_settings(settings: Settings) -> DispatchSettings:
    """Return the bounds of dispatch."""
    return DispatchSettings(
        concurrency=settings.dispatch.concurrency,
        lease_s=settings.dispatch.lease_s,
        timeout_s=settings.dispatch.timeout_s,
        schedule_s=settings.dispatch.schedule,
        handler_settings=settings.handlers.tables,
    )


def delivery_settings(settings: Settings) -> DeliverySettings:
    """Return the bounds of delivery."""
    days = settings.delivery.disable_after_days
    return DeliverySettings(
        concurrency=settings.delivery.concurrency,
        lease_s=settings.delivery.lease_s,
        schedule_s=settings.delivery.schedule,
        health=HealthRules(disable_after_s=days * 86_400 or None),
    )


def client_options(settings: Settings) -> ClientOptions:
    """Return what the settings choose for the SP-API client."""
    spapi = settings.spapi
    return ClientOptions(
        endpoint=spapi.endpoint,
        endpoints={str(region): url for region, url in spapi.endpoints.items()},
        lwa_endpoint=spapi.lwa_endpoint or LWA_ENDPOINT,
        usage_plans={
            name: UsagePlan(rate_per_s=plan.rate, burst=plan.burst)
            for name, plan in spapi.usage_plans.items()
        },
        timeout_s=spapi.timeout_s,
        document_limits=DocumentLimits(max_bytes=spapi.document_max_bytes),
    )


def applications(settings: Settings) -> Sequence[Application]:
    """Return the configured applications."""
    return [
        Application(
            id=one.id,
            client_id=one.client_id,
            client_secret=one.client_secret.get_secret_value(),
        )
        for one in settings.applications
    ]


def secret_places(settings: Settings) -> Mapping[str, str]:
    """Return where the rotated secrets of applications are copied to, by application."""
    return {
        one.id: one.copy_secret_to
        for one in settings.applications
        if one.copy_secret_to is not None
    }


def sellers(settings: Settings) -> Sequence[tuple[Seller, Sequence[str]]]:
    """Return the configured sellers, each with its subscription ids."""
    return [
        (
            Seller(
                id=one.id,
                application_id=one.application,
                region=one.region,
                refresh_token=one.refresh_token.get_secret_value(),
                marketplace_ids=one.marketplaces,
                tags=tuple(sorted(set(one.tags))),
                authorised_at_ms=None if one.authorised_on is None else _day_ms(one.authorised_on),
            ),
            one.subscription_ids,
        )
        for one in settings.sellers
    ]


def _day_ms(day: date) -> int:
    return round(datetime.combine(day, time(), UTC).timestamp() * 1000)


def schedules(settings: Settings, registry: Registry) -> Sequence[Schedule]:
    """Return the configured schedules, their options checked against their jobs.

    Raises:
        ConfigurationError: Jobs that are not loaded, or options that they don't take; all at once.
    """
    found, faults = [], []
    for number, one in enumerate(settings.schedules):
        try:
            options = checked(registry.job(one.job), one.options)
        except (NotFoundError, InvalidInputError) as exc:
            mend = "see `gateway handlers list` for the jobs that are loaded"
            faults.append(Fault(where=f"schedules[{number}]", what=str(exc), mend=mend))
            continue
        found.append(
            Schedule(
                name=one.name,
                job=one.job,
                cron=one.cron,
                every_s=one.every_s,
                time_zone=one.time_zone,
                seller_ids=one.sellers,
                jitter_s=one.jitter_s,
                options=options,
            )
        )
    if faults:
        raise ConfigurationError(faults)
    return found


def queue_name(url: str) -> str:
    """Return what a queue is called in logs, metrics and rows: the last part of its URL."""
    return url.rstrip("/").rpartition("/")[2]


def known_settings(settings: Settings) -> Mapping[str, Any]:
    """Return what is worth a line in the log at the start; no secrets."""
    return {
        "queues": [queue_name(one.url) for one in settings.queues],
        "sellers": len(settings.sellers),
        "handlers": list(settings.handlers.modules),
        "store": "sqlite" if settings.database_file() is not None else "postgresql",
    }
