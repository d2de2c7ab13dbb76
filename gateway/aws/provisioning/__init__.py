"""The queue's side of Amazon Web Services, made and judged: queue, key, bus, rule.

What is wanted (`wanted`) and what is there (`found`) are values; what follows (`setup`, `checks`,
`teardown`) is decided over them without a call; `reading` and `clients` make the calls.
"""
