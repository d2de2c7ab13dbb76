"""Bundled handlers: one module per notification type or job; they import only the façade.

`modules = ["handlers"]` loads them all, save those that cost much of a usage plan
(`handlers.offer_pricing`); `modules = ["handlers.order_change"]` loads one. Copy a module as a
start for your own, and list yours beside these.
"""

from gateway import Router
from handlers import (
    account_status,
    catalog_change,
    client_secret_rotation,
    data_kiosk_ready,
    external_fulfillment,
    fee_promotion,
    feed_ready,
    fulfillment_order,
    hourly_figures,
    inventory_change,
    invoices_export,
    listing_change,
    offer_change,
    order_change,
    outbound_shipment,
    passthrough,
    pricing_health,
    report_ready,
    shipment_tracking,
    transaction_update,
)

router = Router()
router.include(
    account_status.router,
    catalog_change.router,
    client_secret_rotation.router,
    data_kiosk_ready.router,
    external_fulfillment.router,
    fee_promotion.router,
    feed_ready.router,
    fulfillment_order.router,
    hourly_figures.router,
    inventory_change.router,
    invoices_export.router,
    listing_change.router,
    offer_change.router,
    order_change.router,
    outbound_shipment.router,
    passthrough.router,
    pricing_health.router,
    report_ready.router,
    shipment_tracking.router,
    transaction_update.router,
)
