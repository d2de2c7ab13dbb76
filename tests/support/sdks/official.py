"""Amazon's own SDK (`amzn-sp-api`): endpoint and token URL are parameters of its client."""

import json
import sys

from spapi import ApiException, SPAPIClient, SPAPIConfig
from spapi.api.notifications_v1.notifications_api import NotificationsApi
from spapi.api.orders_v0.orders_v0_api import OrdersV0Api
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
from spapi.api.tokens_v2021_03_01.tokens_api import TokensApi
from spapi.models import notifications_v1 as notes
from spapi.models import tokens_v2021_03_01 as tokens


def refused(call, *args, **kwargs) -> list:
    """Return status and error code that a call is refused with."""
    try:
        answer = call(*args, **kwargs)
    except ApiException as exc:
        return [exc.status, json.loads(exc.body)["errors"][0]["code"]]
    return [200, repr(answer)]


def client(given: dict, *, grantless: bool = False, region: str = ""):
    """Return the SDK's client with a seller's token, or a grantless one."""
    scope = "sellingpartnerapi::notifications"
    config = SPAPIConfig(
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        refresh_token=None if grantless else given["refresh_token"],
        scope=scope if grantless else None,
    )
    made = SPAPIClient(config, oauth_endpoint=given["lwa"], endpoint=given["spapi"] + region)
    return made.api_client


def subscriptions(given: dict) -> dict:
    seller = NotificationsApi(client(given))
    grantless = NotificationsApi(client(given, grantless=True))
    resource = notes.DestinationResourceSpecification(sqs=notes.SqsResource(arn=given["arn"]))
    wanted = notes.CreateDestinationRequest(resource_specification=resource, name="sdk")
    destination = grantless.create_destination(wanted).payload
    only = notes.EventFilter(
        event_filter_type="ORDER_CHANGE", order_change_types=["OrderStatusChange"]
    )
    body = notes.CreateSubscriptionRequest(
        payload_version="1.0",
        destination_id=destination.destination_id,
        processing_directive=notes.ProcessingDirective(event_filter=only),
    )
    bare = notes.CreateSubscriptionRequest(
        payload_version="1.0", destination_id=destination.destination_id
    )
    no_filter = refused(seller.create_subscription, "ORDER_CHANGE", bare)
    made = seller.create_subscription("ORDER_CHANGE", body).payload
    got = seller.get_subscription("ORDER_CHANGE").payload
    by_id = grantless.get_subscription_by_id(made.subscription_id, "ORDER_CHANGE").payload
    listed = seller.get_subscriptions(["ORDER_CHANGE"]).payload.subscriptions
    again = refused(seller.create_subscription, "ORDER_CHANGE", body)
    in_use = refused(grantless.delete_destination, destination.destination_id)
    test = notes.SendTestNotificationRequest(
        destination_id=destination.destination_id,
        test_notification=notes.TestNotification(payload_version="1.0", test_scenario="Default"),
    )
    grantless.send_test_notification("ORDER_CHANGE", test)
    grantless.delete_subscription_by_id(made.subscription_id, "ORDER_CHANGE")
    return {
        "arn": destination.resource.sqs.arn,
        "same": got.subscription_id == by_id.subscription_id == made.subscription_id,
        "listed": len(listed),
        "filter": got.processing_directive.event_filter.order_change_types,
        "no filter": no_filter,
        "destination again": refused(grantless.create_destination, wanted),
        "subscription again": again,
        "destination in use": in_use,
        "no subscription": refused(seller.get_subscription, "ORDER_CHANGE"),
        "seller's token": refused(seller.create_destination, wanted),
        "destination deleted": grantless.delete_destination(destination.destination_id) is not None,
    }


def orders(given: dict) -> dict:
    seller = client(given)
    new, old = GetOrderApi(seller), OrdersV0Api(seller)
    resource = tokens.RestrictedResource(
        method="GET",
        path=f"/orders/v0/orders/{given['order']}",
        data_elements=["buyerInfo", "shippingAddress"],
    )
    request = tokens.CreateRestrictedDataTokenRequest(restricted_resources=[resource])
    restricted = TokensApi(seller).create_restricted_data_token(request)
    opened = client({**given})
    opened.configuration.access_token_cache.token_info = {
        "access_token": restricted.restricted_data_token,
        "expires_at": float("inf"),
    }
    order = new.get_order(given["order"], included_data=["BUYER", "FULFILLMENT"]).order
    return {
        "order": order.order_id,
        "buyer": order.buyer is not None,
        "withheld": old.get_order(given["order"]).payload.buyer_info is None,
        "opened": OrdersV0Api(opened).get_order(given["order"]).payload.buyer_info is not None,
        "no order": refused(new.get_order, given["lost_order"]),
        "other region": refused(GetOrderApi(client(given, region="/eu")).get_order, given["order"]),
        "over quota": [refused(old.get_order, given["order"])[0] for _ in range(2)],
    }


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    print(json.dumps({**subscriptions(told), **orders(told)}))
