"""What the gateway publishes by itself, whichever handlers are loaded.

Operational events say something about the gateway; only operator endpoints get them, and their
`data` has none of the members that handlers' events have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.event_types import EventType

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_TIME_OR_NULL = {"type": ["string", "null"], "format": "date-time"}
_WHOLE = {"type": "integer", "minimum": 0}
_REGION = {"enum": ["na", "eu", "fe"]}


def _object(**members: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


_ENDPOINT = {
    "id": "ep_019a1b2c3d4e7f8091a2b3c4d5e6f708",
    "url": "https://erp.example/hooks",
    "description": "The ERP",
    "tenant": None,
}
_HEALTH_MEMBERS = {
    "endpoint": _object(id=_TEXT, url=_TEXT, description=_TEXT_OR_NULL, tenant=_TEXT_OR_NULL),
    "consecutive_failures": {**_WHOLE, "description": "Attempts in a row that failed."},
    "failing_since": {**_TIME_OR_NULL, "description": "First of the failures, or null."},
}
_DELIVERY_MEMBERS = {
    "delivery": _object(id=_TEXT, attempts=_WHOLE),
    "event": _object(id=_TEXT, type=_TEXT),
    "endpoint": _object(id=_TEXT, url=_TEXT_OR_NULL, tenant=_TEXT_OR_NULL),
    "seller": _TEXT_OR_NULL,
    "reason": _TEXT,
}
_DELIVERY_EXAMPLE = {
    "delivery": {"id": "dlv_019a1b2c3d4e7f8091a2b3c4d5e6f709", "attempts": 10},
    "event": {"id": "evt_019a1b2c3d4e7f8091a2b3c4d5e6f70a", "type": "order.changed"},
    "endpoint": {key: _ENDPOINT[key] for key in ("id", "url", "tenant")},
    "seller": "A2EXAMPLESELLER",
    "reason": "no tries left: 500",
}


def _of_endpoint(
    what: str, summary: str, *, failures: int, since: str | None, **more: tuple[Any, Any]
) -> EventType:
    return EventType(
        type=f"endpoint.{what}",
        summary=summary,
        members={**_HEALTH_MEMBERS, **{name: schema for name, (schema, _) in more.items()}},
        example={
            "endpoint": _ENDPOINT,
            "consecutive_failures": failures,
            "failing_since": since,
            **{name: shown for name, (_, shown) in more.items()},
        },
        of_gateway=True,
    )


def _of_delivery(what: str, summary: str, reason: str) -> EventType:
    return EventType(
        type=f"delivery.{what}",
        summary=summary,
        members=_DELIVERY_MEMBERS,
        example={**_DELIVERY_EXAMPLE, "reason": reason},
        of_gateway=True,
    )


_FINDING = {
    "id": "queue.policy",
    "level": "fault",
    "subject": "spapi-notifications",
    "what": "the policy doesn't let Amazon's account 437568002678 send",
    "why": "Amazon drops what it can't deliver, and tells nobody",
    "mend": "gateway aws setup",
}
_SILENCE_MEMBERS = {
    "type": {**_TEXT, "description": "Amazon's type of notification."},
    "application": {**_TEXT_OR_NULL, "description": "As declared; null for all."},
    "region": {**_TEXT_OR_NULL, "description": "As declared; null for all."},
    "destination": _TEXT,
    "whole": {
        "type": "boolean",
        "description": "Whether all sellers are meant; else single ones, while others are heard.",
    },
    "sellers": {**_WHOLE, "description": "How many sellers are meant."},
    "examples": {
        "type": "array",
        "maxItems": 20,
        "description": "Single sellers, those that are silent longest first.",
        "items": _object(
            seller=_TEXT, region=_TEXT_OR_NULL, since=_TIME_OR_NULL, newest=_TIME_OR_NULL
        ),
    },
    "since": {**_TIME_OR_NULL, "description": "Since when nothing came."},
    "newest": {**_TIME_OR_NULL, "description": "When the newest came in; null for never."},
}
_DOCTOR = {
    "type": ["object", "null"],
    "description": "What `gateway doctor` found amiss; null where it was not asked.",
    "properties": {
        "fault": {**_TEXT_OR_NULL, "description": "Why it could not end; null where it did."},
        "looked_at": _WHOLE,
        "findings": {
            "type": "array",
            "maxItems": 20,
            "items": _object(**dict.fromkeys(_FINDING, _TEXT)),
        },
    },
    "required": ["fault", "looked_at", "findings"],
}
_SILENCE: Mapping[str, Any] = {
    "type": "ORDER_CHANGE",
    "application": None,
    "region": "eu",
    "destination": "main",
    "whole": True,
    "sellers": 210,
    "examples": [],
    "since": "2026-01-31T08:20:00.000Z",
    "newest": "2026-01-31T08:20:00.000Z",
}

GATEWAY_EVENTS: Sequence[EventType] = (
    EventType(
        type="endpoint.test",
        summary="A person asked for a test of an endpoint; nothing happened at Amazon.",
        members={"endpoint": {**_TEXT, "description": "Id of the endpoint (`ep_…`)."}},
        example={"endpoint": _ENDPOINT["id"]},
        of_gateway=True,
    ),
    _of_endpoint(
        "failing",
        "An endpoint failed so often in a row that it is left alone until the next probe.",
        failures=10,
        since="2026-01-31T08:20:00.000Z",
        next_probe=(_TIME_OR_NULL, "2026-01-31T09:00:30.000Z"),
        warnings=({**_WHOLE, "description": "How often this was said since it failed."}, 1),
    ),
    _of_endpoint("recovered", "An endpoint that was failing works again.", failures=0, since=None),
    _of_endpoint(
        "disabled",
        "An endpoint is disabled: it failed for days, or answered that it is gone.",
        failures=400,
        since="2026-01-26T08:20:00.000Z",
        reason=(_TEXT, "no success for 5 days"),
    ),
    _of_delivery("dead", "A delivery has no tries left.", "no tries left: 500"),
    _of_delivery(
        "held", "A delivery is held, because it ended the process that sent it.", "5 claims"
    ),
    EventType(
        type="seller.paused",
        summary="No call is made for a seller until it is resumed; where the gateway paused it, a "
        "new authorisation does so.",
        members={
            "seller": _TEXT,
            "region": _REGION,
            "application": _TEXT,
            "reason": _TEXT_OR_NULL,
        },
        example={
            "seller": "A2EXAMPLESELLER",
            "region": "eu",
            "application": "main",
            "reason": "authorisation refused (invalid_grant)",
        },
        of_gateway=True,
    ),
    EventType(
        type="seller.authorised",
        summary="A seller authorised an application, for the first time or anew.",
        members={
            "seller": _TEXT,
            "region": _REGION,
            "application": _TEXT,
            "marketplaces": {"type": "array", "items": _TEXT},
            "new": {"type": "boolean", "description": "Whether it was not known in the region."},
            "paused": {
                "type": "boolean",
                "description": "Whether an operator's pause still holds.",
            },
        },
        example={
            "seller": "A2EXAMPLESELLER",
            "region": "eu",
            "application": "main",
            "marketplaces": ["A1PA6795UKMFR9"],
            "new": True,
            "paused": False,
        },
        of_gateway=True,
    ),
    EventType(
        type="seller.authorisation_ending",
        summary="A seller's authorisation ends in 30, 14 or 3 days, and must be given again.",
        members={
            "seller": _TEXT,
            "region": _REGION,
            "application": _TEXT,
            "ends_at": {"type": "string", "format": "date-time"},
            "days_left": _WHOLE,
            "link": {
                **_TEXT_OR_NULL,
                "description": "Where the seller authorises again, for whoever has it; null where "
                "onboarding.public_url is not set.",
            },
        },
        example={
            "seller": "A2EXAMPLESELLER",
            "region": "eu",
            "application": "main",
            "ends_at": "2026-03-02T09:00:00.000Z",
            "days_left": 30,
            "link": "https://gateway.example/oauth/start?link=…",
        },
        of_gateway=True,
    ),
    EventType(
        type="subscriptions.drifted",
        summary="Amazon's subscriptions were not as declared any more, or can't be made so.",
        members={
            "mended": {
                "type": "boolean",
                "description": "Whether it was mended, as far as Amazon let it.",
            },
            "created": {**_WHOLE, "description": "Subscriptions that were gone."},
            "replaced": {**_WHOLE, "description": "Subscriptions that were another way."},
            "refused": {**_WHOLE, "description": "Sellers' types that are not as declared now."},
            "examples": {
                "type": "array",
                "maxItems": 20,
                "items": _object(
                    application=_TEXT, region=_TEXT, seller=_TEXT, type=_TEXT, reason=_TEXT
                ),
            },
        },
        example={
            "mended": True,
            "created": 1,
            "replaced": 0,
            "refused": 0,
            "examples": [
                {
                    "application": "main",
                    "region": "eu",
                    "seller": "A2EXAMPLESELLER",
                    "type": "ORDER_CHANGE",
                    "reason": "create: there is none",
                }
            ],
        },
        of_gateway=True,
    ),
    EventType(
        type="notifications.silent",
        summary="Nothing comes of a declared type, or of single sellers of it, for too long.",
        members={
            **_SILENCE_MEMBERS,
            "silent_after_s": {"type": "number", "description": "How long is too long."},
            "doctor": _DOCTOR,
        },
        example={
            **_SILENCE,
            "silent_after_s": 3600.0,
            "doctor": {"fault": None, "looked_at": 31, "findings": [_FINDING]},
        },
        of_gateway=True,
    ),
    EventType(
        type="notifications.resumed",
        summary="Notifications come again that were silent.",
        members=_SILENCE_MEMBERS,
        example={**_SILENCE, "newest": "2026-01-31T11:05:00.000Z"},
        of_gateway=True,
    ),
)
