"""The client of Amazon's Selling Partner API (SP-API).

It decides how a call is authorised, when it may go out, how it is sent and what its answer means.
It never decides when a handling runs again (that is `gateway.dispatch`) and holds nothing durable:
usage-plan buckets and sellers are reached through the protocols of `throttle` and `directory`.

    client      whose calls are made, with which authorisation
    calls       the calls of one seller: names, typed calls, pages
    runner      one call's requests: retries, budget, the canonical line
    auth        Login with Amazon: which token
    tokens      access tokens, each with one owner
    restricted  tokens for personal data
    throttle    usage plans: when
    transport   one HTTP request
    answers     what a status and a body mean
    catalog     every operation as data
    plans       which usage plan holds
    regions     regions, endpoints, marketplaces as data
    pagination  lists in pages
    apis        typed calls
    documents   reports, feeds, invoices as streams
    proxies     which proxy a request goes through
"""
