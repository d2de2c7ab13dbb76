"""The control routes under `/_simulator/`: look at what happened, decide what happens next.

GET                 /_simulator                 where everything is, and credentials
GET                 /_simulator/calls           calls per application, seller, region, operation
GET, PUT, DELETE    /_simulator/plans           {"operation": "getOrder", "rate": 1, "burst": 5}
GET, PUT, DELETE    /_simulator/sqs/faults      the knobs of the local SQS, by name
GET, POST, DELETE   /_simulator/spapi/faults    {"fault": "status=503", "operation": …,
                                                 "seller": …, "chance": …, "times": …}
POST                /_simulator/tokens/expire   {"seller": …}: end its tokens, or all of them
POST                /_simulator/secrets/expire  {"client_id": …}: end its secrets of before
POST                /_simulator/sellers/revoke  {"seller": …}: it withdraws its authorisation
POST                /_simulator/sellers/restore {"seller": …}: it authorises again
POST                /_simulator/orders          {"seller": …}: let an order be placed, and live
GET                 /_simulator/orders          the truth: every change of such an order so far
POST                /_simulator/scenarios       {"name": "order-day", "orders": 300, "speed": 480,
                                                 "withhold": 0.02, "sellers": […]}
POST                /_simulator/orders/lose     {"order": …}: let nobody have it
GET, POST, DELETE   /_simulator/work            {"work": "exports", "outcome": "FATAL", "times": 1}:
                                                 how work that is asked for next turns out
GET                 /_simulator/notifications   destinations, subscriptions, what was sent and lost
POST                /_simulator/notifications   {"type": …, "seller": …}: send to the subscribed

Every list is `{"items": [...]}`. A wrong request is answered 400, an unknown route 404, both with
`{"error": "…"}`.
"""
