"""The application and the dozen sellers that a simulator has unless it is told others.

Their credentials open nothing but the simulator, and are the same each time.
"""

from __future__ import annotations

from gateway.simulator.spapi.accounts import Application, Seller

DEFAULT_APPLICATION = Application(
    id="amzn1.sellerapps.app.00000000-0000-4000-8000-000000000001",
    client_id="amzn1.application-oa2-client.00000000000000000000000000000001",
    client_secret="amzn1.oa2-cs.v1.simulator-0001",  # noqa: S106 opens the simulator only
)

# (seller id, region, marketplaces)
_SELLERS = (
    ("A1SIMULATORNA1", "na", ("ATVPDKIKX0DER",)),
    ("A1SIMULATORNA2", "na", ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2")),
    ("A1SIMULATORNA3", "na", ("A1AM78C64UM0Y8", "ATVPDKIKX0DER")),
    ("A1SIMULATORNA4", "na", ("A2Q3Y263D00KWC",)),
    ("A1SIMULATOREU1", "eu", ("A1PA6795UKMFR9",)),
    ("A1SIMULATOREU2", "eu", ("A1F83G8C2ARO7P",)),
    ("A1SIMULATOREU3", "eu", ("A13V1IB3VIYZZH", "A1RKKUPIHCS9HS", "APJ6JRA9NG5V4")),
    ("A1SIMULATOREU4", "eu", ("A1PA6795UKMFR9", "A1805IZSGTT6HS", "A1C3SOZRARQ6R3")),
    ("A1SIMULATOREU5", "eu", ("A21TJRUUN4KGV",)),
    ("A1SIMULATORFE1", "fe", ("A1VC38T7YXB528",)),
    ("A1SIMULATORFE2", "fe", ("A39IBJ37TRP1C6",)),
    ("A1SIMULATORFE3", "fe", ("A19VAU5U5O7RUS",)),
)
DEFAULT_SELLERS = tuple(
    Seller(
        id=seller_id,
        region=region,
        refresh_token=f"Atzr|simulator-{seller_id.removeprefix('A1SIMULATOR').lower()}",
        marketplaces=marketplaces,
        applications=(DEFAULT_APPLICATION.id,),
    )
    for seller_id, region, marketplaces in _SELLERS
)
