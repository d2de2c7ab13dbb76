"""The community's SDK (`python-amazon-sp-api`), synchronous and asynchronous by one script.

It has no parameter for another endpoint: `endpoint` is set on the client after it was made, and the
host of the token URL is a constant of its class, which is patched here.
"""

import asyncio
import inspect
import io
import json
import sys

from sp_api import api as sync_api
from sp_api import asyncio as sp_api_asyncio
from sp_api.asyncio import api as async_api
from sp_api.asyncio.auth import AccessTokenClient as AsyncTokens
from sp_api.auth import AccessTokenClient as SyncTokens
from sp_api.base import SellingApiException

assert sp_api_asyncio


async def done(answer):
    """Return what a call of either kind answers."""
    return await answer if inspect.isawaitable(answer) else answer


async def refused(call, *args, **kwargs) -> list:
    """Return status and error code that a call is refused with."""
    try:
        answer = await done(call(*args, **kwargs))
    except SellingApiException as exc:
        return [exc.code, exc.error[0]["code"]]
    return [200, repr(answer)]


class Sdk:
    """Makes the SDK's clients, pointed at the local SP-API, and closes those that must be."""

    def __init__(self, given: dict) -> None:
        self.given = given
        self.api = async_api if given["asynchronous"] else sync_api
        self._made: list = []
        for kind in (SyncTokens, AsyncTokens):
            scheme, _, rest = given["lwa"].partition("://")
            kind.scheme = f"{scheme}://"
            kind.host, _, path = rest.partition("/")
            assert kind.path == f"/{path}"

    def client(self, kind, *, region: str = "", **kwargs):
        credentials = {
            "refresh_token": self.given["refresh_token"],
            "lwa_app_id": self.given["client_id"],
            "lwa_client_secret": self.given["client_secret"],
        }
        made = kind(credentials=credentials, **kwargs)
        made.endpoint = self.given["spapi"] + region
        self._made.append(made)
        return made

    async def aclose(self) -> None:
        for made in self._made:
            if self.given["asynchronous"]:
                await made.aclose()


async def subscriptions(sdk: Sdk) -> dict:
    client = sdk.client(sdk.api.Notifications)
    wanted = {"name": "sdk", "arn": sdk.given["arn"]}
    destination = (await done(client.create_destination(**wanted))).payload
    destination_id = destination["destinationId"]
    only = {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["OrderStatusChange"]}
    bare = {"notification_type": "ORDER_CHANGE", "destination_id": destination_id}
    body = {**bare, "processingDirective": {"eventFilter": only}}
    no_filter = await refused(client.create_subscription, **bare)
    made = (await done(client.create_subscription(**body))).payload
    got = (await done(client.get_subscription("ORDER_CHANGE"))).payload
    again = await refused(client.create_subscription, **body)
    in_use = await refused(client.delete_destination, destination_id)
    await done(client.delete_notification_subscription("ORDER_CHANGE", made["subscriptionId"]))
    return {
        "arn": destination["resource"]["sqs"]["arn"],
        "same": got["subscriptionId"] == made["subscriptionId"],
        "filter": got["processingDirective"]["eventFilter"]["orderChangeTypes"],
        "no filter": no_filter,
        "destination again": await refused(client.create_destination, **wanted),
        "subscription again": again,
        "destination in use": in_use,
        "no subscription": await refused(client.get_subscription, "ORDER_CHANGE"),
        "destination deleted": (await refused(client.delete_destination, destination_id))[0] == 200,
    }


async def orders(sdk: Sdk) -> dict:
    given = sdk.given
    new, old = sdk.client(sdk.api.OrdersV20260101), sdk.client(sdk.api.OrdersV0)
    elsewhere = sdk.client(sdk.api.OrdersV20260101, region="/eu")
    resource = {
        "method": "GET",
        "path": f"/orders/v0/orders/{given['order']}",
        "dataElements": ["buyerInfo", "shippingAddress"],
    }
    minted = sdk.client(sdk.api.Tokens).create_restricted_data_token(restrictedResources=[resource])
    token = (await done(minted)).payload["restrictedDataToken"]
    opened = sdk.client(sdk.api.OrdersV0, restricted_data_token=token)
    included = ["BUYER", "FULFILLMENT"]
    order = (await done(new.get_order(given["order"], includedData=included))).payload["order"]
    return {
        "order": order["orderId"],
        "buyer": "buyer" in order,
        "withheld": "BuyerInfo" not in (await done(old.get_order(given["order"]))).payload,
        "opened": "BuyerInfo" in (await done(opened.get_order(given["order"]))).payload,
        "no order": await refused(new.get_order, given["lost_order"]),
        "other region": await refused(elsewhere.get_order, given["order"]),
        "over quota": [(await refused(old.get_order, given["order"]))[0] for _ in range(2)],
    }


async def reports(sdk: Sdk) -> dict:
    """Download reports in three character sets, with the SDK's own unpacking and decoding."""
    client, seen = sdk.client(sdk.api.Reports), {}
    for place in ("ATVPDKIKX0DER", "A1PA6795UKMFR9", "A1VC38T7YXB528"):
        type_ = "GET_MERCHANT_LISTINGS_ALL_DATA"
        made = await done(client.create_report(reportType=type_, marketplaceIds=[place]))
        report = (await done(client.get_report(made.payload["reportId"]))).payload
        answer = await done(client.get_report_document(report["reportDocumentId"], download=True))
        seen[answer.character_code] = answer.payload["document"].splitlines()[1].split("\t")[2]
    return {"reports": seen}


async def feed(sdk: Sdk) -> dict:
    """Upload a feed and read its processing report."""
    client = sdk.client(sdk.api.Feeds)
    text = "sku\tprice\r\nA-1\t9.99\r\nA-2\t19.99\r\n"
    type_, content_type = "POST_FLAT_FILE_PRICEANDQUANTITYONLY_UPDATE_DATA", "text/tsv"
    submitted = client.submit_feed(type_, io.StringIO(text), content_type)
    _, made = await done(submitted)
    shown = (await done(client.get_feed(made.payload["feedId"]))).payload
    report = await done(client.get_feed_document(shown["resultFeedDocumentId"]))
    return {"feed": [shown["processingStatus"], "processed\t\t2" in report]}


async def main(given: dict) -> dict:
    sdk = Sdk(given)
    try:
        parts = [await part(sdk) for part in (subscriptions, orders, reports, feed)]
        return {name: seen for part in parts for name, seen in part.items()}
    finally:
        await sdk.aclose()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
