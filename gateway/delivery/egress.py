"""May we connect to this address? One answer for creating, testing and delivering.

It decides by data: the tables of `ranges.py` and the operator's `EgressPolicy`. A literal address
is judged as it stands; a name is resolved once, refused if any of its addresses is forbidden, and
what was vetted is what is dialled (`ways.py`), with no second look-up that could answer
differently. It never connects and never resolves by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final, Protocol

from yarl import URL

from gateway.delivery.ranges import (
    METADATA_ADDRESSES,
    METADATA_NAMES,
    Address,
    Network,
    carried,
    special_range,
)
from gateway.errors import DependencyError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_URL_CHARACTERS_MAX: Final = 2048
_NOT_IN_A_URL: Final = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAME_CHARACTERS_MAX: Final = 253
_PORT_RANGE: Final = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_PORT_MAX: Final = 65_535


class BlockedAddressError(InvalidInputError):
    """The address guard refuses to connect there."""


class ResolutionError(DependencyError):
    """A name gave no address.

    Attributes:
        error_class: `dns_name` (there is no such name), `dns` (its own name servers fail) or
            `own_dns` (ours do).
    """

    def __init__(self, message: str, *, error_class: str) -> None:
        super().__init__(message)
        self.error_class = error_class


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """What the operator allows beyond https to public addresses on ports 443 and 80.

    Attributes:
        allow_http: Whether `http://` is allowed beside `https://`.
        allow_private_cidrs: Networks that are allowed although forbidden by rule, such as
            `10.1.0.0/16`; metadata addresses stay forbidden.
        allowed_ports: Ports, or ranges such as `"8000-8099"`.

    Raises:
        InvalidInputError: A network or a port can't be read.
    """

    allow_http: bool = False
    allow_private_cidrs: Sequence[str] = ()
    allowed_ports: Sequence[int | str] = (80, 443)
    _networks: Sequence[Network] = field(init=False, repr=False, compare=False)
    _ports: Sequence[range] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        networks = tuple(_network(text) for text in self.allow_private_cidrs)
        ports = tuple(_port_range(port) for port in self.allowed_ports)
        object.__setattr__(self, "_networks", networks)
        object.__setattr__(self, "_ports", ports)

    def allows_port(self, port: int) -> bool:
        """Whether endpoints may use `port`."""
        return any(port in ports for ports in self._ports)

    def lifts(self, address: Address) -> bool:
        """Whether the operator opened a network that holds `address`."""
        return any(address in network for network in self._networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL that passed the guard as far as it can be judged without resolving.

    Attributes:
        url: The parsed URL that is requested, so that nothing parses it a second time.
        host: Name in ASCII (punycode), or the literal address without brackets.
        address: The literal address, or None for a name.
    """

    url: URL
    host: str
    port: int
    address: Address | None


class Resolver(Protocol):
    """Whoever turns names into addresses."""

    async def lookup(self, host: str) -> Sequence[str]:
        """Return every address of `host`, asked for once.

        Raises:
            ResolutionError: There is none, or none can be had now.
        """
        ...


# ── judging ──────────────────────────────────────────────────────────────────────────────────────


def forbidden_reason(address: Address, policy: EgressPolicy) -> str | None:
    """Return why `address` must not be dialled, or None when it may be.

    An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4) is judged by that.
    """
    address = carried(address)
    if address in METADATA_ADDRESSES:
        return "a cloud's metadata service"
    what = special_range(address)
    return None if what is None or policy.lifts(address) else what


def check_url(url: str, policy: EgressPolicy) -> Target:
    """Return the target that `url` names.

    Raises:
        InvalidInputError: It is no absolute http(s) URL that the policy allows; the message says
            what is wrong and what to write instead, and never repeats credentials.
        BlockedAddressError: It names an address, or a name, that is forbidden.
    """
    parsed = _parse(url)
    _check_scheme(parsed, policy)
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise InvalidInputError(
            "url: it holds credentials, which end up in logs; give them as a header of the endpoint"
        )
    if parsed.raw_fragment:
        raise InvalidInputError("url: what follows `#` is never sent; leave it out")
    port = parsed.port
    if port is None or not policy.allows_port(port):
        raise InvalidInputError(
            f"url: port {port} is not allowed; use one of {_spelled(policy.allowed_ports)},"
            " or let the operator add it to delivery.allowed_ports"
        )
    host = (parsed.raw_host or "").lower()
    address = literal(host)
    if address is None:
        _check_name(host)
    else:
        _refuse_if_forbidden(host, address, policy)
    return Target(url=parsed, host=host, port=port, address=address)


async def vet(target: Target, policy: EgressPolicy, resolver: Resolver) -> Sequence[Address]:
    """Return the addresses that may be dialled for `target`, resolved once.

    Raises:
        BlockedAddressError: At least one of its addresses is forbidden.
        ResolutionError: The name has no address, or none can be had now.
    """
    if target.address is not None:
        _refuse_if_forbidden(target.host, target.address, policy)
        return (target.address,)
    return vet_answers(target.host, await resolver.lookup(target.host), policy)


def vet_answers(host: str, answers: Sequence[str], policy: EgressPolicy) -> Sequence[Address]:
    """Return what a name server answered for `host` as addresses, all of them allowed.

    Raises:
        BlockedAddressError: At least one is forbidden, or is no address.
    """
    addresses = []
    for answer in answers:
        try:
            address = ip_address(answer)
        except ValueError as exc:
            raise BlockedAddressError(
                f"url: {host} resolves to {answer!r}, which is no address"
            ) from exc
        _refuse_if_forbidden(host, address, policy)
        addresses.append(address)
    return addresses


def _refuse_if_forbidden(host: str, address: Address, policy: EgressPolicy) -> None:
    reason = forbidden_reason(address, policy)
    if reason is None:
        return
    named = str(address) if literal(host) == address else f"{host} resolves to {address}, which"
    mend = "use a public one"
    if carried(address) not in METADATA_ADDRESSES:
        mend += f", or let the operator add {carried(address)} to delivery.allow_private_cidrs"
    raise BlockedAddressError(f"url: {named} is forbidden ({reason}); {mend}")


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def _parse(url: str) -> URL:
    if len(url) > _URL_CHARACTERS_MAX:
        raise InvalidInputError(f"url: longer than {_URL_CHARACTERS_MAX} characters; shorten it")
    if _NOT_IN_A_URL.search(url):
        raise InvalidInputError("url: it holds a space, a backslash or a control character")
    try:
        parsed = URL(url)
    except ValueError as exc:
        raise InvalidInputError("url: it can't be read; write https://host/path") from exc
    if not parsed.raw_host:
        raise InvalidInputError("url: it names no host; write https://host/path")
    return parsed


def _check_scheme(parsed: URL, policy: EgressPolicy) -> None:
    if parsed.scheme == "https":
        return
    if parsed.scheme != "http":
        raise InvalidInputError(f"url: scheme {parsed.scheme!r} can't be used; write https://…")
    if not policy.allow_http:
        raise InvalidInputError(
            "url: plain http is not allowed; write https://…, or let the operator set"
            " delivery.allow_http"
        )


def literal(host: str) -> Address | None:
    """Return the address that a URL's host is, or None for a name."""
    if "%" in host:  # an IPv6 zone means something on one machine only
        return None
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_name(host: str) -> None:
    """Refuse what is neither an address in its usual form nor a name a public server may have."""
    if host.endswith("."):
        raise InvalidInputError("url: drop the dot at the host's end")
    if host in METADATA_NAMES:
        raise BlockedAddressError(f"url: {host} is forbidden (a cloud's metadata service)")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # getaddrinfo reads 0x7f000001, 2130706433, 0177.0.0.1 and 127.1 as 127.0.0.1.
        raise BlockedAddressError(
            f"url: {host} is an address in an odd spelling; write four decimal numbers, or a name"
        )
    if len(host) > _NAME_CHARACTERS_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidInputError("url: the host is no valid name; write it as in DNS")


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as exc:
        raise InvalidInputError(
            f"delivery.allow_private_cidrs: {text!r} is no network; write such as 10.1.0.0/16"
        ) from exc


def _port_range(port: int | str) -> range:
    match = _PORT_RANGE.fullmatch(str(port))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 0 < first <= last <= _PORT_MAX:
        raise InvalidInputError(
            f"delivery.allowed_ports: {port!r} is no port; write such as 443 or '8000-8099'"
        )
    return range(first, last + 1)


def _spelled(ports: Sequence[int | str]) -> str:
    return ", ".join(str(port) for port in ports) or "none"
