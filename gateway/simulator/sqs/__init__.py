"""A local SQS: the JSON protocol over HTTP in front of queues that live in memory.

The queues and operations are plain state driven by a clock; only `protocol` does I/O and waits.
Rules follow the "Amazon SQS API Reference" and "Amazon SQS Developer Guide".
"""
