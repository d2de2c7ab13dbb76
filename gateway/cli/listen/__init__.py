"""`gateway listen`: events forwarded to a developer's own machine."""

from gateway.cli.listen.command import app

__all__ = ["app"]
