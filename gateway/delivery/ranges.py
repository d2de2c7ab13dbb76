"""Which address ranges lead inside: the tables of the address guard, as data, with no policy.

`ipaddress.is_global` is no substitute: it is true for 168.63.129.16, 192.88.99.1, multicast,
64:ff9b::7f00:1, 2002::/16, fec0::/10, 3fff::/20 and others. The ranges are those of IANA's
special-purpose registries, with the clouds' own on top.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

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
METADATA_ADDRESSES: Final[frozenset[Address]] = frozenset(
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
METADATA_NAMES: Final = frozenset(
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


def special_range(address: Address) -> str | None:
    """Return the forbidden range that holds `address`, in words; None for a public one."""
    rules: Iterable[tuple[Network, str]] = (
        _FORBIDDEN_V4 if isinstance(address, IPv4Address) else _FORBIDDEN_V6
    )
    for network, what in rules:
        if address in network:
            return what
    return None


def carried(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, else the address without its zone."""
    if isinstance(address, IPv4Address):
        return address
    address = IPv6Address(int(address))
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address
