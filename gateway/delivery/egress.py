"""May we connect to this address? One answer for creating, testing and delivering.

It decides by data: the tables below and the operator's `EgressPolicy`. A URL with a literal address
is judged as it stands; a name is resolved once, refused if any of its addresses is forbidden, and
what was vetted is what is dialled (`dialling.py`), with no second look-up that could answer
differently. It never connects and never resolves by itself.

The reason for tables of our own: `ipaddress.is_global` is true for several ranges that lead inside,
such as 168.63.129.16, 64:ff9b::7f00:1, 2002::/16 and fec0::/10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from yarl import URL

from gateway.errors import DependencyError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# ── rules ────────────────────────────────────────────────────────────────────────────────────────

_FORBIDDEN_V4: Final[Sequence[tuple[IPv4Network, str]]] = tuple(
    (IPv4Network(cidr), what)
    for cidr, what in (
        ("0.0.0.0/8", "this network (unspecified)"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "the cloud platform's own"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_FORBIDDEN_V6: Final[Sequence[tuple[IPv6Network, str]]] = tuple(
    (IPv6Network(cidr), what)
    for cidr, what in (
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("64:ff9b:1::/48", "local translation (NAT64)"),
        ("::/8", "reserved"),
        ("100::/64", "discard-only"),
        ("2001:db8::/32", "documentation"),
        ("2001::/23", "reserved for protocols"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private (unique local)"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        # What is left outside 2000::/3 has not been given out for global unicast.
        ("::/3", "not global unicast"),
        ("4000::/2", "not global unicast"),
        ("8000::/1", "not global unicast"),
    )
)

# Never lifted by `allow_private_cidrs`: they hand out credentials or control the machine.
_METADATA_ADDRESSES: Final[frozenset[Address]] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean, Hetzner, OpenStack
        "169.254.170.2",  # AWS ECS task credentials
        "169.254.170.23",  # AWS EKS pod identity
        "169.254.42.42",  # Scaleway
        "169.254.0.23",  # Tencent
        "168.63.129.16",  # Azure platform channel
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS over IPv6
        "fd00:ec2::23",  # AWS EKS pod identity over IPv6
        "fd20:ce::254",  # Google over IPv6
        "fd00:42::42",  # Scaleway over IPv6
    )
)
_METADATA_NAMES: Final = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.com",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "metadata.platformequinix.com",
        "metadata.packet.net",
        "instance-data",
        "instance-data.ec2.internal",
        "rancher-metadata",
    }
)

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")

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
    address = _carried(address)
    if address in _METADATA_ADDRESSES:
        return "a cloud's metadata service"
    rules: Iterable[tuple[Network, str]] = (
        _FORBIDDEN_V4 if isinstance(address, IPv4Address) else _FORBIDDEN_V6
    )
    for network, what in rules:
        if address in network:
            return None if policy.lifts(address) else what
    return None


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
    address = _literal(host)
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
    named = str(address) if _literal(host) == address else f"{host} resolves to {address}, which"
    mend = "use a public one"
    if _carried(address) not in _METADATA_ADDRESSES:
        mend += f", or let the operator add {_carried(address)} to delivery.allow_private_cidrs"
    raise BlockedAddressError(f"url: {named} is forbidden ({reason}); {mend}")


def _carried(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, else the address without its zone."""
    if isinstance(address, IPv4Address):
        return address
    address = IPv6Address(int(address))
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address


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


def _literal(host: str) -> Address | None:
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
    if host in _METADATA_NAMES:
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
