"""The client against the static sandbox cases of Amazon's API models, over HTTP.

`SPAPI_MODELS=DIR make conformance` runs it: each case is called by our client, a local server keeps
what arrives and answers as the case says. Judged is what Amazon wrote: method, path, query, body,
and what its status means.

    expected   what a case says must arrive and come back; pure
    recorder   the local server
    run        the cases, one after the other
    typed      what typed calls read of Amazon's bodies
"""
