"""`gateway demo`: the main job from end to end in one process, with no account anywhere."""

from gateway.cli.demo.command import app

__all__ = ["app"]
