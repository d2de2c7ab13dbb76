"""Orders drawn from a seed, and how two versions of the API show them."""

from gateway.simulator.apis.order_views import INCLUDED_DATA, order_2026, order_v0
from gateway.simulator.cast import DEFAULT_SELLERS
from gateway.simulator.marketplaces import MARKETPLACES
from gateway.simulator.order_life import OrderStatus
from gateway.simulator.orders import Order, OrderBook
from tests.support.clock import FakeClock

US = ("ATVPDKIKX0DER",)


def _book(seed: int = 0) -> OrderBook:
    return OrderBook(clock=FakeClock(), seed=seed)


def _order(order_id: str = "902-1-1", marketplaces: tuple[str, ...] = US) -> Order:
    order = _book().find("A1", order_id, marketplaces)
    assert order is not None
    return order


def test_an_order_is_the_same_each_time_and_another_for_another_seed_or_seller():
    assert _order() == _order()
    assert _book(1).find("A1", "902-1-1", US) != _order()
    assert _book().find("A2", "902-1-1", US) != _order()


def test_ids_are_shaped_like_amazons_and_distinct():
    ids = {_book().an_id("A1", number) for number in range(500)}
    assert len(ids) == 500
    assert all([len(part) for part in order_id.split("-")] == [3, 7, 7] for order_id in ids)


def test_a_status_that_was_decided_shows_with_its_time():
    clock = FakeClock()
    book = OrderBook(clock=clock)
    book.change("A1", "902-1-1", OrderStatus.SHIPPED)
    order = book.find("A1", "902-1-1", US)
    assert order.status is OrderStatus.SHIPPED
    assert order.updated_at_ms == clock.now_ms()
    assert all(item.shipped == item.quantity for item in order.items)
    assert order.total == _order().total


def test_a_missing_order_is_missing():
    book = _book()
    book.lose("902-1-1")
    assert book.find("A1", "902-1-1", US) is None


def test_money_is_in_the_marketplaces_currency_and_digits():
    shown = order_2026(_order(marketplaces=("A1VC38T7YXB528",)), {"PROCEEDS"})
    total = shown["proceeds"]["grandTotal"]
    assert total["currencyCode"] == "JPY"
    assert "." not in total["amount"]


def test_personal_data_is_shown_only_where_asked_for():
    order = _order()
    secrets = {order.buyer.name, order.buyer.email, order.buyer.street, order.buyer.phone}
    assert not any(secret in str(order_2026(order, ())) for secret in secrets)
    assert not any(secret in str(order_v0(order, ())) for secret in secrets)
    everything = str(order_2026(order, INCLUDED_DATA))
    assert all(secret in everything for secret in secrets)
    assert set(order_v0(order, {"buyerInfo"})) - set(order_v0(order, ())) == {"BuyerInfo"}
    assert order_v0(order, {"shippingAddress"})["ShippingAddress"]["Name"] == order.buyer.name


def test_status_and_quantities_come_with_their_data_set():
    order = _order()
    assert "fulfillment" not in order_2026(order, ())
    shown = order_2026(order, {"FULFILLMENT"})
    assert shown["fulfillment"]["fulfillmentStatus"] == order.status.value
    for item in shown["orderItems"]:
        fulfilled = item["fulfillment"]
        assert (
            fulfilled["quantityFulfilled"] + fulfilled["quantityUnfulfilled"]
            == item["quantityOrdered"]
        )


def test_both_versions_tell_of_the_same_order():
    for number in range(50):
        order = _order(_book().an_id("A1", number), tuple(MARKETPLACES))
        new, old = order_2026(order, INCLUDED_DATA), order_v0(order, ())
        assert new["orderId"] == old["AmazonOrderId"]
        assert new["salesChannel"]["marketplaceId"] == old["MarketplaceId"]
        assert new["createdTime"] == old["PurchaseDate"]
        if "OrderTotal" in old:
            assert new["proceeds"]["grandTotal"]["amount"] == old["OrderTotal"]["Amount"]
        assert ("OrderTotal" not in old) == (old["OrderStatus"] == "Pending")


def test_the_dozen_sellers_span_the_regions_and_sell_where_they_live():
    assert len(DEFAULT_SELLERS) == 12
    assert {seller.region for seller in DEFAULT_SELLERS} == {"na", "eu", "fe"}
    for seller in DEFAULT_SELLERS:
        assert {MARKETPLACES[place].region for place in seller.marketplaces} == {seller.region}
    assert len({seller.refresh_token for seller in DEFAULT_SELLERS}) == 12
