"""Amazon's and the community's SDKs, each told to call the local SP-API, as processes of their own.

A process, because importing them configures logging for the whole interpreter and fills caches that
outlive a client. Each script takes a JSON object as its argument and prints what it saw as one.
"""
