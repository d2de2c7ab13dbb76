"""What commands that read or write archives share: how their place is opened."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from gateway.archive.places import Location, Places, open_places
from gateway.settings import Settings

Region = Annotated[
    str | None, typer.Option(help="AWS region of the bucket; unless given that of archive.region.")
]
EndpointUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="Another S3; unless given archive.endpoint_url.")
]


def opened_places(
    settings: Settings, location: Location, *, region: str | None, endpoint_url: str | None
) -> AbstractAsyncContextManager[Places]:
    """Return a location's places, open while entered."""
    return open_places(
        location,
        region=region or settings.archive.region,
        endpoint_url=endpoint_url or settings.archive.endpoint_url,
    )
