"""Which exception means what, and whose fault it is."""

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from gateway.delivery.egress import BlockedAddressError, ResolutionError
from gateway.delivery.faults import (
    CONFIGURATION_FAULTS,
    OWN_FAULTS,
    ErrorClass,
    classify_exception,
    classify_status,
)

KEY = ConnectionKey("h", 443, True, True, None, None, None)


def mismatch(code: int) -> ssl.SSLCertVerificationError:
    fault = ssl.SSLCertVerificationError("no")
    fault.verify_code = code
    return fault


def refused(code: int) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(KEY, OSError(code, "no"))


FAULTS = {
    "forbidden": (BlockedAddressError("no"), ErrorClass.BLOCKED_ADDRESS),
    "no such name": (ResolutionError("no", error_class="dns_name"), ErrorClass.DNS_NAME),
    "their name server": (ResolutionError("no", error_class="dns"), ErrorClass.DNS),
    "our name server": (ResolutionError("no", error_class="own_dns"), ErrorClass.OWN_DNS),
    "deadline": (TimeoutError(), ErrorClass.TIMEOUT),
    "connection timeout": (aiohttp.ConnectionTimeoutError("no"), ErrorClass.TIMEOUT),
    "other host": (
        aiohttp.ClientConnectorCertificateError(KEY, mismatch(62)),
        ErrorClass.TLS_NAME,
    ),
    "other address": (
        aiohttp.ClientConnectorCertificateError(KEY, mismatch(64)),
        ErrorClass.TLS_NAME,
    ),
    "expired": (
        aiohttp.ClientConnectorCertificateError(KEY, mismatch(10)),
        ErrorClass.TLS_CERTIFICATE,
    ),
    "tls": (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("no")), ErrorClass.TLS),
    "url": (aiohttp.InvalidURL("no"), ErrorClass.BAD_URL),
    "payload": (aiohttp.ClientPayloadError("no"), ErrorClass.BAD_ANSWER),
    "disconnected": (aiohttp.ServerDisconnectedError(), ErrorClass.DISCONNECTED),
    "reset": (aiohttp.ClientOSError(errno.ECONNRESET, "no"), ErrorClass.DISCONNECTED),
    "plain reset": (ConnectionResetError(), ErrorClass.DISCONNECTED),
    "refused": (refused(errno.ECONNREFUSED), ErrorClass.CONNECT),
    "unreachable": (refused(errno.EHOSTUNREACH), ErrorClass.CONNECT),
    "never connected": (refused(errno.ETIMEDOUT), ErrorClass.CONNECT),
    "no descriptors": (refused(errno.EMFILE), ErrorClass.OWN_NETWORK),
    "no route": (refused(errno.ENETUNREACH), ErrorClass.OWN_NETWORK),
    "no ports": (refused(errno.EADDRNOTAVAIL), ErrorClass.OWN_NETWORK),
    "defect": (RuntimeError("a defect"), ErrorClass.OWN_FAULT),
}


@pytest.mark.parametrize(("fault", "error_class"), FAULTS.values(), ids=FAULTS)
def test_exceptions(fault, error_class):
    assert classify_exception(fault) is error_class


@pytest.mark.parametrize("status", [*range(100, 1000, 50), 204, 410, 429, 502, 503, 504, 0])
def test_every_status_has_one_meaning(status):
    special = {
        410: "gone",
        429: "throttled",
        502: "unavailable",
        503: "unavailable",
        504: "unavailable",
    }
    ordinary = {2: None, 3: "redirect", 4: "http_4xx", 5: "http_5xx"}
    expected = special.get(status, ordinary.get(status // 100, "bad_answer"))
    assert classify_status(status) == expected


def test_a_fault_is_either_the_configurations_or_ours():
    assert not CONFIGURATION_FAULTS & OWN_FAULTS
