"""APPLICATION_OAUTH_CLIENT_… : the application's own secret, renewed before it runs out.

Amazon tells ahead that the client secret will expire; the answer asks for a new one. The new one
comes in a notification of its own, is sealed, and is in use by all replicas from their next token
on, with no restart; the old one is kept until Amazon ends it, seven days later. The secret is in no
event, no log and no memory. The queue for these notifications is named in Amazon's developer
console, not by a subscription.

    APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY → `client_secret.expiring`
    APPLICATION_OAUTH_CLIENT_NEW_SECRET    → `client_secret.rotated`
"""

from __future__ import annotations

from datetime import datetime

from gateway import ClientSecret, Context, Event, EventType, Notification, Router
from gateway.notifications import (
    ApplicationOAuthClientNewSecret,
    ApplicationOAuthClientSecretExpiry,
)

_CLIENT = {"type": "string", "description": "Client id of the application, which is no secret."}
_EXAMPLE = "amzn1.application-oa2-client.0123456789abcdef"

router = Router()
router.publishes(
    EventType(
        type="client_secret.expiring",
        summary="An application's client secret will expire; a new one was asked for.",
        members={"client_id": _CLIENT, "expires_at": datetime | None},
        example={"client_id": _EXAMPLE, "expires_at": "2026-02-14T00:00:00Z"},
        source="APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
    ),
    EventType(
        type="client_secret.rotated",
        summary="An application's new client secret is in use; the old one works for a while.",
        members={
            "client_id": _CLIENT,
            "expires_at": datetime | None,
            "old_expires_at": datetime | None,
        },
        example={
            "client_id": _EXAMPLE,
            "expires_at": "2026-08-01T00:00:00Z",
            "old_expires_at": "2026-02-07T09:00:00Z",
        },
        source="APPLICATION_OAUTH_CLIENT_NEW_SECRET",
    ),
)


@router.on(
    ApplicationOAuthClientSecretExpiry,
    once=lambda n: f"{n.payload.client_id} {n.payload.client_secret_expiry_time}",
)
async def client_secret_rotation(
    notification: Notification[ApplicationOAuthClientSecretExpiry], ctx: Context
) -> Event:
    """Ask Amazon for a new secret."""
    payload = notification.payload
    application = await ctx.application(payload.client_id)
    await application.application_management.rotate_application_client_secret()
    return Event(
        type="client_secret.expiring",
        data={
            "client_id": payload.client_id,
            "expires_at": payload.client_secret_expiry_time,
        },
    )


@router.on(ApplicationOAuthClientNewSecret, key=lambda n: n.payload.client_id)
async def client_secret_new(
    notification: Notification[ApplicationOAuthClientNewSecret], _ctx: Context
) -> list[Event | ClientSecret]:
    """Put the new secret in use."""
    payload = notification.payload
    return [
        ClientSecret(
            client_id=payload.client_id,
            secret=payload.new_client_secret.get_secret_value(),
            expires_at=payload.new_client_secret_expiry_time,
            old_expires_at=payload.old_client_secret_expiry_time,
        ),
        Event(
            type="client_secret.rotated",
            data={
                "client_id": payload.client_id,
                "expires_at": payload.new_client_secret_expiry_time,
                "old_expires_at": payload.old_client_secret_expiry_time,
            },
        ),
    ]
