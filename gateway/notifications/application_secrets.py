"""APPLICATION_OAUTH_…: the application's own client secret runs out, or was renewed.

Source: "Application notifications" in Amazon's "Notification Type Values". They come to the queue
that is named in the developer console; nobody subscribes to them. The second carries a live secret:
it is sealed in the store, and no handler but one that names the type ever gets it.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr

from gateway.notifications.base import NeededId, PayloadModel, Time


class ApplicationOAuthClientSecretExpiry(PayloadModel):
    """Payload of APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY.

    Attributes:
        client_secret_expiry_time: When the secret stops working, in UTC.
        client_secret_expiry_reason: Such as `PERIODIC_ROTATION`.
    """

    notification_type: ClassVar[str] = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"
    wrapper: ClassVar[str | None] = "applicationOAuthClientSecretExpiry"

    client_id: NeededId
    client_secret_expiry_time: Time | None = None
    client_secret_expiry_reason: str | None = None


class ApplicationOAuthClientNewSecret(PayloadModel):
    """Payload of APPLICATION_OAUTH_CLIENT_NEW_SECRET.

    Attributes:
        new_client_secret: Masked in every dump and repr; `raw` holds it in the clear.
        new_client_secret_expiry_time: When the new secret stops working, in UTC.
        old_client_secret_expiry_time: When the old one does, seven days from now, in UTC.
    """

    notification_type: ClassVar[str] = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"
    wrapper: ClassVar[str | None] = "applicationOAuthClientNewSecret"

    client_id: NeededId
    new_client_secret: SecretStr
    new_client_secret_expiry_time: Time | None = None
    old_client_secret_expiry_time: Time | None = None
