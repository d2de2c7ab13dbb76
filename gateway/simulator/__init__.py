"""A local SP-API, a local SQS and a webhook receiver, for the demo, development and tests.

Nothing in here talks to Amazon, and nothing of the engine depends on it.
"""
