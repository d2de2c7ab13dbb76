"""The tree of settings: every key with its type, default and meaning.

Each class is one table of `gateway.toml`. It decides what a single value may be; what several
values must be together stands in `gateway.settings.checks`. Relative paths are relative to the
working directory. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.archiving import ArchiveSettings
from gateway.settings.examining import DoctorSettings
from gateway.settings.onboarding import (
    ApplicationSettings,
    OnboardingSettings,
    SellerSettings,
)
from gateway.settings.retaining import RetentionSettings
from gateway.settings.subscribing import (
    DestinationSettings,
    ReconcileSettings,
    SubscriptionSettings,
)
from gateway.settings.table import Region, Text
from gateway.settings.table import Table as _Table
from gateway.settings.values import (
    FOLDER,
    check_cidr,
    check_cron,
    check_documents_url,
    check_http_url,
    check_port,
    check_queue_url,
    check_store_url,
    check_time_zone,
    fault,
    sqlite_path,
)

Adapter = Literal["lean", "botocore"]

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Delay = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Schedule = Annotated[tuple[Delay, ...], Field(min_length=1)]
HttpUrl = Annotated[str, AfterValidator(check_http_url)]
Port = Annotated[int | str, AfterValidator(check_port)]

_HOUR = 3600.0


class StoreSettings(_Table):
    """The database."""

    url: Annotated[str, AfterValidator(check_store_url)] = Field(
        default="sqlite:///gateway.db",
        description="`sqlite:///path` or `postgresql://user:password@host/database`.",
    )
    pool_size: int = Field(
        default=10, ge=1, le=200, description="Connections to PostgreSQL held by one process."
    )


class QueueSettings(_Table):
    """One SQS queue that notifications arrive in."""

    url: Annotated[str, AfterValidator(check_queue_url)] = Field(
        description="The queue's URL, as the AWS console shows it; a standard queue."
    )
    region: Text | None = Field(
        default=None, description="AWS region; read from the URL where it is left out."
    )
    endpoint_url: HttpUrl | None = Field(
        default=None, description="Another address of SQS, such as that of a local one."
    )
    concurrency: int = Field(default=4, ge=1, le=64, description="Long polls open at once.")
    wait_s: int = Field(default=20, ge=0, le=20, description="How long one long poll may wait.")
    visibility_s: int = Field(
        default=120,
        ge=10,
        le=43_200,
        description="How long a received message stays hidden; extended while it is in hand.",
    )
    adapter: Adapter = Field(
        default="lean",
        description="`lean` speaks SQS's protocol itself, `botocore` uses aiobotocore.",
    )


class UsagePlanSettings(_Table):
    """A usage plan that wins over the built-in one and over Amazon's header."""

    rate: float = Field(gt=0, allow_inf_nan=False, description="Requests a second.")
    burst: int = Field(ge=1, description="Requests that may be made at once after a rest.")


class SpApiSettings(_Table):
    """Where the Selling Partner API is, and how it may be called."""

    endpoint: HttpUrl | None = Field(
        default=None, description="One address for all regions: the sandbox, or a local SP-API."
    )
    endpoints: dict[Region, HttpUrl] = Field(
        default_factory=dict, description='Addresses for single regions: `{ na = "https://…" }`.'
    )
    lwa_endpoint: HttpUrl | None = Field(
        default=None, description="Whole URL that tokens are asked from, if not Amazon's."
    )
    usage_plans: dict[Text, UsagePlanSettings] = Field(
        default_factory=dict, description="By operation: `getOrder = { rate = 0.5, burst = 30 }`."
    )
    timeout_s: Seconds = Field(default=30.0, description="Total time of one request.")
    document_max_bytes: int = Field(
        default=4 * 1024**3,
        ge=1024,
        description="Largest report, feed result or export taken, unpacked; a larger one is "
        "refused.",
    )


class HandlersSettings(_Table):
    """Which handlers are loaded; every other table below it is handed to the handler it names."""

    modules: tuple[Text, ...] = Field(
        default=("handlers",),
        description="Modules, `module:attribute`, or entry points of group `gateway.handlers`.",
    )
    tables: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _gather_tables(cls, raw: Any) -> Any:
        """Gather the free tables; what is no table stays and is refused as unknown."""
        if not isinstance(raw, dict):
            return raw
        free = {key for key, value in raw.items() if key != "modules" and isinstance(value, dict)}
        known = {key: value for key, value in raw.items() if key not in free}
        if "tables" in known:
            raise fault("handlers.tables is no table", "write it as [handlers.tables]")
        return {**known, "tables": {key: raw[key] for key in free}}


class DispatchSettings(_Table):
    """How handlers are run."""

    concurrency: int = Field(
        default=64, ge=1, le=10_000, description="Handlers that run at once in one process."
    )
    timeout_s: Seconds = Field(default=60.0, description="Time limit of one run of a handler.")
    lease_s: Seconds = Field(
        default=120.0, description="How long a run is claimed for; longer than `timeout_s`."
    )
    schedule: Schedule = Field(
        default=(0.0, 5.0, 30.0, 300.0, 1800.0, 2 * _HOUR, 5 * _HOUR, 12 * _HOUR),
        description="Delay before each run, the first included; one more failure is dead.",
    )
    once_days: int = Field(
        default=60, ge=15, description="How long a thing that was handled once counts as handled."
    )
    memory_days: int = Field(
        default=180, ge=1, description="How long handlers remember a thing that nothing changes."
    )


class DeliverySettings(_Table):
    """How events are posted to endpoints."""

    allow_http: bool = Field(default=False, description="Whether `http://` endpoints are allowed.")
    allow_private_cidrs: tuple[Annotated[str, AfterValidator(check_cidr)], ...] = Field(
        default=(), description='Networks that the address guard lets through: `["10.0.0.0/8"]`.'
    )
    allowed_ports: tuple[Port, ...] = Field(
        default=(80, 443), description='Ports, or ranges such as `"8000-8999"`.'
    )
    timeout_s: Seconds = Field(
        default=15.0, le=300, description="Total deadline of one attempt, from look-up to answer."
    )
    schedule: Schedule = Field(
        default=(
            0.0,
            5.0,
            300.0,
            1800.0,
            2 * _HOUR,
            5 * _HOUR,
            10 * _HOUR,
            14 * _HOUR,
            20 * _HOUR,
            24 * _HOUR,
        ),
        description="Delay before each attempt, the first included; one more failure is dead.",
    )
    concurrency: int = Field(
        default=256, ge=1, le=10_000, description="Requests in flight at once in one process."
    )
    lease_s: Seconds = Field(
        default=60.0, description="How long a delivery is claimed for; longer than `timeout_s`."
    )
    disable_after_days: float = Field(
        default=5.0,
        ge=0,
        le=365,
        allow_inf_nan=False,
        description="An endpoint without a success for so long is disabled; 0 for never.",
    )
    ca_file: Path | None = Field(
        default=None, description="Authorities to trust beside the system's, as a PEM file."
    )
    proxy_url: HttpUrl | None = Field(
        default=None,
        description="HTTP proxy that all requests to endpoints go through, such as one with an "
        "address that customers know; the address guard stays on.",
    )
    transport: Literal["lean", "aiohttp"] = Field(
        default="lean",
        description="`lean` speaks HTTP/1.1 itself, `aiohttp` uses that library, as is always "
        "done by way of a proxy.",
    )
    pull_days: float = Field(
        default=30.0,
        gt=0,
        le=3650,
        allow_inf_nan=False,
        description="How long events wait to be pulled, where they are pulled.",
    )

    def port_ranges(self) -> tuple[tuple[int, int], ...]:
        """Return the allowed ports as (first, last) pairs."""
        pairs = []
        for port in self.allowed_ports:
            first, _, last = str(port).partition("-")
            pairs.append((int(first), int(last or first)))
        return tuple(pairs)


class ScheduleSettings(_Table):
    """A job that is started again and again, for each seller by itself."""

    name: Text = Field(description="Your name for it; what was run is kept under it.")
    job: Text = Field(description="The job, as `gateway handlers list` names it.")
    cron: Annotated[str, AfterValidator(check_cron)] | None = Field(
        default=None, description='Five fields, such as `"0 3 * * *"`; this or `every_s`.'
    )
    every_s: float | None = Field(
        default=None, ge=1, allow_inf_nan=False, description="Seconds from start to start."
    )
    time_zone: Annotated[str, AfterValidator(check_time_zone)] = Field(
        default="UTC", description="What `cron` is read in, such as `America/Sao_Paulo`."
    )
    sellers: tuple[Text, ...] = Field(
        default=(), description="Seller ids; all that are not paused unless given."
    )
    jitter_s: Delay = Field(
        default=0.0, description="Sellers are spread over so many seconds after each start."
    )
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="Options of the job, as its module describes them."
    )

    @model_validator(mode="after")
    def _one_rhythm(self) -> ScheduleSettings:
        if (self.cron is None) == (self.every_s is None):
            raise fault("has not exactly one of cron and every_s", "keep one of the two")
        return self


class SweepSettings(_Table):
    """Polls of SP-API that find what Amazon never told; off until types are named."""

    types: tuple[
        Literal["ORDER_CHANGE", "REPORT_PROCESSING_FINISHED", "FEED_PROCESSING_FINISHED"], ...
    ] = Field(default=(), description="Notification types whose gaps are looked for.")
    every_s: float = Field(
        default=3600.0,
        ge=180,
        allow_inf_nan=False,
        description="Seconds from sweep to sweep of each seller and type.",
    )
    first_s: Seconds = Field(
        default=24 * _HOUR, description="How far back the first sweep of a seller looks."
    )
    grace_s: float = Field(
        default=300.0,
        ge=120,
        allow_inf_nan=False,
        description="What is younger is left to its notification, which may be on its way.",
    )
    overlap_s: Delay = Field(
        default=600.0, description="How far each sweep goes back behind the end of the last one."
    )
    report_types: tuple[Text, ...] = Field(
        default=(), max_length=10, description="Report types to look for; needed to sweep reports."
    )
    feed_types: tuple[Text, ...] = Field(
        default=(), max_length=10, description="Feed types to look for; needed to sweep feeds."
    )

    @model_validator(mode="after")
    def _kinds_are_named(self) -> SweepSettings:
        for swept, key, kinds in (
            ("REPORT_PROCESSING_FINISHED", "report_types", self.report_types),
            ("FEED_PROCESSING_FINISHED", "feed_types", self.feed_types),
        ):
            if swept in self.types and not kinds:
                raise fault(f"sweeps {swept} without {key}", f"name one to ten in {key}")
        return self


class DocumentsSettings(_Table):
    """Reports, exports and other documents that handlers store and events link to."""

    url: Annotated[str, AfterValidator(check_documents_url)] | None = Field(
        default=None,
        description="`folder:PATH` (sealed with the key ring) or `s3://BUCKET/PREFIX`; unless set "
        "a folder beside the SQLite database, on PostgreSQL the folder `documents`. "
        "Processes that share a database must share it.",
    )
    region: Text | None = Field(
        default=None, description="AWS region of the bucket, where AWS's own settings name none."
    )
    endpoint_url: HttpUrl | None = Field(
        default=None, description="Another address of S3, such as that of a local one."
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="How receivers reach the admin port for links to documents, such as "
        "`https://gateway.example`; its own address unless set.",
    )
    link_ttl_s: Seconds = Field(
        default=7 * 24 * _HOUR, description="How long a link to a document works."
    )
    retention_days: int = Field(
        default=30, ge=1, le=3650, description="After so many days a document is deleted."
    )


class AdminSettings(_Table):
    """The HTTP port for health, metrics and administration."""

    host: Text = Field(default="127.0.0.1", description="Address that is listened on.")
    port: int = Field(default=8787, ge=0, le=65535, description="0 takes any free port.")
    rate_per_s: float = Field(
        default=50.0, gt=0, allow_inf_nan=False, description="Requests a second of one API key."
    )
    burst: int = Field(
        default=200, ge=1, description="Requests that one API key may make at once after a rest."
    )


class ServiceSettings(_Table):
    """The process itself."""

    drain_s: float = Field(
        default=25.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="How long a stop may take before what is left is given back.",
    )


class SealingSettings(_Table):
    """The keys that secrets are sealed with."""

    keys_file: Path | None = Field(
        default=None,
        description="Key ring; made beside the database on SQLite, needed on PostgreSQL.",
    )


class LoggingSettings(_Table):
    """Log lines, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level written."
    )
    format: Literal["json", "console"] = Field(
        default="json", description="`json` for machines, `console` for a person."
    )


class Settings(_Table):
    """Everything that can be set."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    queues: tuple[QueueSettings, ...] = ()
    applications: tuple[ApplicationSettings, ...] = ()
    sellers: tuple[SellerSettings, ...] = ()
    onboarding: OnboardingSettings = Field(default_factory=OnboardingSettings)
    destinations: tuple[DestinationSettings, ...] = ()
    subscriptions: tuple[SubscriptionSettings, ...] = ()
    reconcile: ReconcileSettings = Field(default_factory=ReconcileSettings)
    spapi: SpApiSettings = Field(default_factory=SpApiSettings)
    handlers: HandlersSettings = Field(default_factory=HandlersSettings)
    dispatch: DispatchSettings = Field(default_factory=DispatchSettings)
    schedules: tuple[ScheduleSettings, ...] = ()
    sweep: SweepSettings = Field(default_factory=SweepSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    documents: DocumentsSettings = Field(default_factory=DocumentsSettings)
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    admin: AdminSettings = Field(default_factory=AdminSettings)
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    sealing: SealingSettings = Field(default_factory=SealingSettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    doctor: DoctorSettings = Field(default_factory=DoctorSettings)

    def database_file(self) -> Path | None:
        """Return the SQLite file, or None where the store is PostgreSQL."""
        return sqlite_path(self.store.url)

    def documents_url(self) -> str:
        """Return where documents are stored: what is set, else a folder."""
        if self.documents.url is not None:
            return self.documents.url
        database = self.database_file()
        return f"{FOLDER}documents" if database is None else f"{FOLDER}{database}.documents"

    def documents_days(self) -> int:
        """Return for how many days documents are kept; they may hold personal data."""
        return min(self.documents.retention_days, self.retention.personal_data_days)

    def documents_public_url(self) -> str:
        """Return what links to documents begin with."""
        return self.documents.public_url or f"http://{self.admin.host}:{self.admin.port}"

    def keys_file(self) -> Path:
        """Return the key ring's file: the one that is set, else the one beside the database.

        Raises:
            ValueError: The store is PostgreSQL and none is set, which `load` refuses.
        """
        if self.sealing.keys_file is not None:
            return self.sealing.keys_file
        database = self.database_file()
        if database is None:
            raise ValueError("sealing.keys_file is not set")
        return database.with_name(f"{database.name}.keys")
