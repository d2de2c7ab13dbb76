"""The settings of archives: everything that comes in, kept outside the database as it comes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.table import Table, Text
from gateway.settings.values import check_documents_url, check_http_url


class ArchiveSettings(Table):
    """Everything that comes in, archived as it comes, by day and type; off unless `url` is set."""

    url: Annotated[str, AfterValidator(check_documents_url)] | None = Field(
        default=None,
        description="`s3://BUCKET/PREFIX` or `folder:PATH`; not the prefix of documents.",
    )
    region: Text | None = Field(
        default=None, description="AWS region of the bucket, where AWS's own settings name none."
    )
    endpoint_url: Annotated[str, AfterValidator(check_http_url)] | None = Field(
        default=None, description="Another address of S3, such as that of a local one."
    )
    compression: Literal["zstd", "gzip", "none"] = Field(
        default="zstd", description="How files are packed."
    )
    plain: bool = Field(
        default=False,
        description="Whether bodies stand in the clear, live credentials aside; else all are "
        "sealed with the key ring.",
    )
    every_s: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        allow_inf_nan=False,
        description="How long a notification waits for others before a file is written, from when "
        "it is two minutes old: before that nothing is archived. Many waiting ones are written "
        "sooner.",
    )
