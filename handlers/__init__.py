"""Bundled handlers: one module per notification type or job; they import only the façade.

`modules = ["handlers"]` loads them all; `modules = ["handlers.order_change"]` loads one. Copy a
module as a start for your own, and list yours beside these.
"""

from gateway import Router
from handlers import order_change, passthrough

router = Router()
router.include(order_change.router, passthrough.router)
