"""The words for what went wrong in an attempt, and which exception means which.

It decides the error class of a request that got no usable answer. What follows from a class is
`judge` in `sender.py`.
"""

from __future__ import annotations

import errno
import ssl
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import aiohttp

from gateway.delivery.egress import BlockedAddressError, ResolutionError
from gateway.delivery.tokens import TokenRefusedError
from gateway.http1.faults import BadAnswerError, ConnectError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ErrorClass(StrEnum):
    """Why an attempt did not deliver; recorded with it, counted, and shown to operators."""

    REDIRECT = "redirect"
    GONE = "gone"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    BAD_ANSWER = "bad_answer"
    TIMEOUT = "timeout"
    CONNECT = "connect"
    DISCONNECTED = "disconnected"
    TLS = "tls"
    TLS_CERTIFICATE = "tls_certificate"
    DNS_NAME = "dns_name"
    DNS = "dns"

    # The endpoint's configuration is at fault.
    BAD_URL = "bad_url"
    BAD_HEADERS = "bad_headers"
    BLOCKED_ADDRESS = "blocked_address"
    TLS_NAME = "tls_name"
    NO_SECRET = "no_secret"  # noqa: S105 a word, no secret
    BAD_CREDENTIALS = "bad_credentials"

    # Ours; never charged to the endpoint.
    OWN_DNS = "own_dns"
    OWN_NETWORK = "own_network"
    OWN_PROXY = "own_proxy"
    OWN_FAULT = "own_fault"


CONFIGURATION_FAULTS: Final = frozenset(
    {
        ErrorClass.BAD_URL,
        ErrorClass.BAD_HEADERS,
        ErrorClass.BLOCKED_ADDRESS,
        ErrorClass.TLS_NAME,
        ErrorClass.NO_SECRET,
        ErrorClass.BAD_CREDENTIALS,
    }
)
OWN_FAULTS: Final = frozenset(
    {ErrorClass.OWN_DNS, ErrorClass.OWN_NETWORK, ErrorClass.OWN_PROXY, ErrorClass.OWN_FAULT}
)

# No descriptor, port, memory or route left on this side: nothing that an endpoint could mend.
_OWN_ERRNOS: Final = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EACCES,
        errno.EPERM,
    }
)
# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
_NAME_MISMATCH: Final = frozenset({62, 64})


# The first row that fits counts.
_BY_TYPE: Final[Sequence[tuple[tuple[type[BaseException], ...], ErrorClass]]] = (
    ((BlockedAddressError,), ErrorClass.BLOCKED_ADDRESS),
    ((TokenRefusedError,), ErrorClass.BAD_CREDENTIALS),
    ((aiohttp.ClientProxyConnectionError,), ErrorClass.OWN_PROXY),
    ((TimeoutError,), ErrorClass.TIMEOUT),
    ((aiohttp.ClientSSLError, ssl.SSLError), ErrorClass.TLS),
    ((aiohttp.InvalidURL,), ErrorClass.BAD_URL),
    (
        (BadAnswerError, aiohttp.ClientResponseError, aiohttp.ClientPayloadError),
        ErrorClass.BAD_ANSWER,
    ),
    ((ConnectError, aiohttp.ClientConnectorError), ErrorClass.CONNECT),
    ((aiohttp.ClientConnectionError, OSError), ErrorClass.DISCONNECTED),
)


_BY_STATUS: Final = {
    410: ErrorClass.GONE,
    429: ErrorClass.THROTTLED,
    502: ErrorClass.UNAVAILABLE,
    503: ErrorClass.UNAVAILABLE,
    504: ErrorClass.UNAVAILABLE,
}
_BY_HUNDRED: Final = {
    2: None,
    3: ErrorClass.REDIRECT,
    4: ErrorClass.HTTP_4XX,
    5: ErrorClass.HTTP_5XX,
}


def classify_status(status: int) -> ErrorClass | None:
    """Return the class of an answer by its status; None for delivered."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _BY_HUNDRED.get(status // 100, ErrorClass.BAD_ANSWER)


def classify_exception(fault: BaseException) -> ErrorClass:
    """Return the class of what a request raised instead of an answer."""
    if isinstance(fault, ResolutionError):
        return ErrorClass(fault.error_class)
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        fault = fault.certificate_error
    if isinstance(fault, ssl.SSLCertVerificationError):
        return _classify_certificate(fault)
    if isinstance(fault, aiohttp.ClientHttpProxyError):
        return _classify_proxy(fault.status)
    if isinstance(fault, OSError) and fault.errno in _OWN_ERRNOS:
        return ErrorClass.OWN_NETWORK
    for types, error_class in _BY_TYPE:
        if isinstance(fault, types):
            return error_class
    return ErrorClass.OWN_FAULT


def _classify_proxy(status: int) -> ErrorClass:
    """Return whose fault it is that the proxy opened no tunnel: a 502 to 504 lies beyond it."""
    return ErrorClass.CONNECT if status in (502, 503, 504) else ErrorClass.OWN_PROXY


def _classify_certificate(fault: ssl.SSLCertVerificationError) -> ErrorClass:
    if fault.verify_code in _NAME_MISMATCH:
        return ErrorClass.TLS_NAME
    return ErrorClass.TLS_CERTIFICATE
