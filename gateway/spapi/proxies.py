"""Which proxy a request goes through, as the environment says; Amazon's hosts are few.

aiohttp's `trust_env` would look it up in a thread, for each request anew, and send what a `.netrc`
holds.
"""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

import yarl


class Proxies:
    """The environment's proxies, looked up once a host."""

    def __init__(self) -> None:
        self._by_host: dict[str, str | None] = {}

    def of(self, url: yarl.URL) -> str | None:
        """Return the proxy for `url`, or None where it is reached directly."""
        host = url.raw_authority
        if host not in self._by_host:
            bypassed = proxy_bypass(host)
            self._by_host[host] = None if bypassed else getproxies().get(url.scheme)
        return self._by_host[host]
