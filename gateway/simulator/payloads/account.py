"""Payloads about the seller's account and the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.payloads.subject import Subject

_HOUR_MS = 3_600_000


def account_status_changed(_: Subject) -> Mapping[str, Any]:
    # The payload names no seller: it is known by the subscription alone.
    return {
        "accountStatusChangeNotification": {
            "previousAccountStatus": "NORMAL",
            "currentAccountStatus": "AT_RISK",
        }
    }


def new_secret(about: Subject) -> Mapping[str, Any]:
    return {
        "applicationOAuthClientNewSecret": {
            "clientId": about.client_id,
            "newClientSecret": about.client_secret,
            "newClientSecretExpiryTime": rfc3339(
                about.new_secret_ends_at_ms or about.at_ms + 180 * 24 * _HOUR_MS
            ),
            "oldClientSecretExpiryTime": rfc3339(
                about.old_secret_ends_at_ms or about.at_ms + 7 * 24 * _HOUR_MS
            ),
        }
    }


def secret_expiry(about: Subject) -> Mapping[str, Any]:
    return {
        "applicationOAuthClientSecretExpiry": {
            "clientId": about.client_id,
            "clientSecretExpiryTime": rfc3339(about.at_ms + 14 * 24 * _HOUR_MS),
            "clientSecretExpiryReason": "PERIODIC_ROTATION",
        }
    }
