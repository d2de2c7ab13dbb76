"""For the tests of handler authors: no gateway, no network, no waiting.

a_notification   a notification of any type, as a handler gets it
FakeSpApi        answers that the test sets, and the calls that were made
FakeClock        stands still until the test moves it
run_handler      one run of a handler, with what it came to
run_job          a job from its request to its end, waits skipped
"""

from __future__ import annotations

from gateway.testing.clock import FakeClock
from gateway.testing.fake_spapi import FakeCall, FakeSpApi, UnexpectedCallError
from gateway.testing.notifications import a_notification
from gateway.testing.running import Ran, run_handler, run_job

__all__ = [
    "FakeCall",
    "FakeClock",
    "FakeSpApi",
    "Ran",
    "UnexpectedCallError",
    "a_notification",
    "run_handler",
    "run_job",
]
