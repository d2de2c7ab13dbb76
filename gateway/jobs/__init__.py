"""Jobs: work that no notification starts.

A request for one goes through the inbox like a notification, so that it is handled, seen and
replayed like one.

    desk        where a job is asked for
    requests    from a name and options to an arrival
    slots       when a schedule is due; pure
    scheduler   puts due requests into the inbox, each once
"""
