from gateway.spapi.directory import Caller
from gateway.spapi.regions import Region


def test_a_caller_is_named_for_people():
    assert str(Caller(application_id="app", region=Region.NA)) == "application app (na)"
    assert str(Caller(application_id="app", region=Region.NA, seller_id="S")) == "seller S (na)"
