"""What the operator may set: `gateway.toml`, `SPGW_…` variables and secret files.

It decides names, defaults and what is refused, and knows where each value came from. It opens no
database and no connection, and reads no environment but the mapping it is given.
"""

from gateway.settings.example import EXAMPLE
from gateway.settings.load import Loaded, load
from gateway.settings.model import (
    AdminSettings,
    DeliverySettings,
    DispatchSettings,
    DocumentsSettings,
    HandlersSettings,
    LoggingSettings,
    QueueSettings,
    ScheduleSettings,
    SealingSettings,
    ServiceSettings,
    Settings,
    SpApiSettings,
    StoreSettings,
    SweepSettings,
    UsagePlanSettings,
)
from gateway.settings.onboarding import ApplicationSettings, SellerSettings
from gateway.settings.retaining import RetentionSettings
from gateway.settings.shown import ShownValue, shown
from gateway.settings.values import FOLDER

__all__ = [
    "EXAMPLE",
    "FOLDER",
    "AdminSettings",
    "ApplicationSettings",
    "DeliverySettings",
    "DispatchSettings",
    "DocumentsSettings",
    "HandlersSettings",
    "Loaded",
    "LoggingSettings",
    "QueueSettings",
    "RetentionSettings",
    "ScheduleSettings",
    "SealingSettings",
    "SellerSettings",
    "ServiceSettings",
    "Settings",
    "ShownValue",
    "SpApiSettings",
    "StoreSettings",
    "SweepSettings",
    "UsagePlanSettings",
    "load",
    "shown",
]
