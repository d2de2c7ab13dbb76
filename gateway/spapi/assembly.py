"""How the client's parts go together.

It decides nothing but that: the caller brings session, store and clock, and gets a client. It opens
nothing that would have to be closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from gateway.clock import Clock
from gateway.http1.client import Client
from gateway.model import UsagePlan
from gateway.spapi.auth import LWA_ENDPOINT, LwaTokens
from gateway.spapi.catalog import Catalog
from gateway.spapi.client import SpApiClient
from gateway.spapi.directory import SellerDirectory
from gateway.spapi.documents.calls import DocumentAccess
from gateway.spapi.documents.host import HttpDocumentHost
from gateway.spapi.documents.limits import DocumentLimits
from gateway.spapi.lean_transport import LeanHttpTransport
from gateway.spapi.plans import UsagePlans
from gateway.spapi.regions import Endpoints
from gateway.spapi.restricted import CREATE, RestrictedTokens
from gateway.spapi.runner import CallMetrics, CallRunner, CallUsage, RunnerParts
from gateway.spapi.throttle import BucketStore, Throttle
from gateway.spapi.transport import HttpTransport, Transport, user_agent


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """What a deployment may choose.

    Attributes:
        endpoint: Base URL for all regions in place of Amazon's, or None.
        endpoints: Base URLs of single regions (`na`, `eu`, `fe`); win over `endpoint`.
        sandbox: Amazon's sandbox hosts in place of the live ones.
        lwa_endpoint: Whole URL of the token endpoint.
        usage_plans: Plans by full name or bare operation id; win over header and catalogue.
        timeout_s: For one request.
        budget_s: For one call; no further request starts after it.
        moment_s: Longest wait for a usage plan that is slept through.
        agent_suffix: Added to the `user-agent`.
        document_limits: How large documents may become.
    """

    endpoint: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    sandbox: bool = False
    lwa_endpoint: str = LWA_ENDPOINT
    usage_plans: Mapping[str, UsagePlan] = field(default_factory=dict)
    timeout_s: float = 30.0
    budget_s: float = 20.0
    moment_s: float = 1.0
    agent_suffix: str = ""
    document_limits: DocumentLimits = field(default_factory=DocumentLimits)

    @property
    def plain_http(self) -> bool:
        """Whether any endpoint is without TLS, as a local SP-API is; documents may be so too."""
        urls = (self.endpoint or "", *self.endpoints.values())
        return any(url.lower().startswith("http:") for url in urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientNeeds:
    """What a client is given, and never closes.

    Attributes:
        http: Sends requests, where it is given; the session then sends those through a proxy, and
            fetches documents.
    """

    session: aiohttp.ClientSession
    directory: SellerDirectory
    buckets: BucketStore
    clock: Clock
    metrics: CallMetrics
    usage: CallUsage | None = None
    http: Client | None = None


def make_client(
    needs: ClientNeeds, options: ClientOptions | None = None, catalog: Catalog | None = None
) -> SpApiClient:
    """Return a client.

    Raises:
        ConfigurationError: `usage_plans` name unknown operations.
        InvalidInputError: `endpoints` name an unknown region.
    """
    options = options or ClientOptions()
    catalog = catalog or Catalog.load()
    return SpApiClient(
        catalog=catalog,
        directory=needs.directory,
        runner=_runner(needs, options, catalog),
        documents=_documents(needs, options),
    )


def make_tokens(needs: ClientNeeds, options: ClientOptions) -> LwaTokens:
    """Return who asks Login with Amazon, without a client."""
    return LwaTokens(
        transport=_transport(needs, options),
        directory=needs.directory,
        clock=needs.clock,
        endpoint=options.lwa_endpoint,
        on_skew=needs.metrics.skewed,
    )


def _transport(needs: ClientNeeds, options: ClientOptions) -> Transport:
    agent = user_agent(options.agent_suffix)
    by_session = HttpTransport(needs.session, agent=agent, timeout_s=options.timeout_s)
    if needs.http is None:
        return by_session
    return LeanHttpTransport(needs.http, by_session, agent=agent, timeout_s=options.timeout_s)


def _runner(needs: ClientNeeds, options: ClientOptions, catalog: Catalog) -> CallRunner:
    tokens = make_tokens(needs, options)
    throttle = Throttle(
        buckets=needs.buckets,
        plans=UsagePlans(catalog, options.usage_plans),
        clock=needs.clock,
        moment_s=options.moment_s,
    )
    return CallRunner(
        RunnerParts(
            tokens=tokens,
            restricted=RestrictedTokens(tokens.cache, catalog.find(CREATE)),
            throttle=throttle,
            transport=_transport(needs, options),
            endpoints=Endpoints(
                endpoint=options.endpoint, by_region=options.endpoints, sandbox=options.sandbox
            ),
            clock=needs.clock,
            metrics=needs.metrics,
            usage=needs.usage,
            budget_s=options.budget_s,
        )
    )


def _documents(needs: ClientNeeds, options: ClientOptions) -> DocumentAccess:
    host = HttpDocumentHost(
        needs.session,
        agent=user_agent(options.agent_suffix),
        silence_s=options.timeout_s,
        plain_http=options.plain_http,
    )
    return DocumentAccess(host=host, clock=needs.clock, limits=options.document_limits)
