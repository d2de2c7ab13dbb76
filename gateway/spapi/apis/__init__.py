"""Typed calls: for the operations that handlers use most, answers with named fields.

They decide which fields are named and where an answer holds them. They never decide how a call is
made: that is `SellerCalls.call`, through which every operation can be reached. Each object keeps
what Amazon sent as `raw`.

    views   what the typed objects have in common
"""
