"""Gap repair: polls of SP-API that find notifications which Amazon never sent.

Amazon promises no delivery. A sweep lists what changed, compares it with what came in, and puts
what is missing into the inbox like a notification, marked with the origin `sweep`.

    sweeping    one sweep, page by page, as a job
    kinds       what is listed for each type, and what a missing one looks like
"""
