"""The payload of each notification type, in the casing and shape that the type has.

Casing is per type: some payloads and their envelopes are written in PascalCase, some in camelCase.
Source: Amazon's page "Notification Type Values" and the public schemas; the values are invented.
"""

from __future__ import annotations

from gateway.simulator.payloads.kinds import KINDS
from gateway.simulator.payloads.subject import Kind, Subject

__all__ = ["KINDS", "Kind", "Subject"]
