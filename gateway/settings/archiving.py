"""The settings of archives: notifications kept outside the database."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.table import Table, Text
from gateway.settings.values import check_http_url


class ArchiveSettings(Table):
    """Notifications kept outside the database."""

    region: Text | None = Field(
        default=None, description="AWS region of buckets, where AWS's own settings name none."
    )
    endpoint_url: Annotated[str, AfterValidator(check_http_url)] | None = Field(
        default=None, description="Another address of S3, such as that of a local one."
    )
