"""Why does nothing arrive? Every link of the way looked at by itself, and what mends it.

`examination` runs checks side by side; each check is a module. What they can find is declared once,
in `kinds`. They change nothing, except where a trial is asked for.
"""
