"""The handlers that the settings name, loaded for a command."""

from __future__ import annotations

from gateway.cli.invocation import Invocation, find_modules_here
from gateway.dispatch.registry import Registry, load_registry
from gateway.settings import load


def registry_of(invocation: Invocation) -> Registry:
    """Load the handler modules of the settings.

    Raises:
        ConfigurationError: The settings can't be used.
        HandlerRegistrationError: With every fault of the modules.
    """
    settings = load(invocation.config_file(), invocation.environ).settings
    find_modules_here()
    return load_registry(settings.handlers.modules)
