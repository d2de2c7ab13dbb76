"""The address guard: every spelling and every range, at check and at resolution."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.delivery.egress import (
    BlockedAddressError,
    EgressPolicy,
    ResolutionError,
    check_url,
    forbidden_reason,
    vet,
    vet_answers,
)
from gateway.errors import InvalidInputError

STRICT = EgressPolicy()
LOCAL = EgressPolicy(
    allow_http=True, allow_private_cidrs=["127.0.0.0/8"], allowed_ports=["1024-65535", 80]
)


class FixedResolver:
    """Answers each look-up with the next list of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def lookup(self, host: str) -> list[str]:
        self.asked.append(host)
        if not self._answers:
            raise ResolutionError("no such name", error_class="dns_name")
        return self._answers.pop(0)


# ── a second opinion, written from the prose and not from the tables ─────────────────────────────


def may_dial_v4(value: int) -> bool:
    a, b, c, d = value.to_bytes(4, "big")
    return not (
        a in {0, 10, 127}
        or a >= 224
        or (a, b) in {(169, 254), (192, 168)}
        or (a == 100 and b & 0xC0 == 64)
        or (a == 172 and b & 0xF0 == 16)
        or (a == 198 and b in {18, 19})
        or (a, b, c) in {(192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100), (203, 0, 113)}
        or (a, b, c, d) == (168, 63, 129, 16)
    )


def may_dial_v6(value: int) -> bool:
    bits = f"{value:0128b}"
    digits = f"{value:032x}"
    if digits.startswith(("0" * 20 + "ffff", "0064ff9b" + "0" * 16)):
        return may_dial_v4(value & 0xFFFFFFFF)
    if digits.startswith("2002"):
        return may_dial_v4(int(digits[4:12], 16))
    return bits.startswith("001") and not (
        digits.startswith(("20010db8", "3fff0")) or bits.startswith(f"{8193:016b}" + "0" * 7)
    )


EDGES_V4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
]  # fmt: skip
EDGES_V6 = [
    "::/8", "64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96", "100::/64", "2001::/23",
    "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8", "2000::/3",
]  # fmt: skip


def near_edges(cidrs: list[str], last: int) -> st.SearchStrategy[int]:
    edges = []
    for network in map(ipaddress.ip_network, cidrs):
        edges += [int(network.network_address), int(network.broadcast_address)]
    return st.builds(
        lambda edge, step: min(max(edge + step, 0), last),
        st.sampled_from(edges),
        st.integers(-2, 2),
    )


v4_numbers = st.integers(0, 2**32 - 1) | near_edges(EDGES_V4, 2**32 - 1)
v6_numbers = (
    st.integers(0, 2**128 - 1)
    | near_edges(EDGES_V6, 2**128 - 1)
    | v4_numbers.map(lambda v4: 0xFFFF << 32 | v4)
    | v4_numbers.map(lambda v4: 0x64FF9B << 96 | v4)
    | v4_numbers.map(lambda v4: v4)
    | st.builds(lambda v4, rest: 0x2002 << 112 | v4 << 80 | rest, v4_numbers, st.integers(0, 9))
)


@given(v4_numbers)
@example(int(IPv4Address("168.63.129.16")))
def test_ipv4_agrees_with_a_second_opinion(value):
    assert (forbidden_reason(IPv4Address(value), STRICT) is None) == may_dial_v4(value)


@given(v6_numbers)
@example(int(IPv6Address("64:ff9b::7f00:1")))
@example(int(IPv6Address("::7f00:1")))
@example(int(IPv6Address("2002:7f00:1::")))
def test_ipv6_agrees_with_a_second_opinion(value):
    assert (forbidden_reason(IPv6Address(value), STRICT) is None) == may_dial_v6(value)


@given(v4_numbers | v6_numbers.map(lambda value: value | 1 << 127))
def test_whatever_is_allowed_python_calls_global_too(value):
    address = ipaddress.ip_address(value)
    if forbidden_reason(address, STRICT) is None:
        assert address.is_global
        assert not address.is_multicast


# ── URLs ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://hooks.example.com/a?b=c", "hooks.example.com", 443),
        ("https://EXAMPLE.com", "example.com", 443),
        ("https://faß.example/x", "xn--fa-hia.example", 443),
        ("https://example.com:80/", "example.com", 80),
        ("https://8.8.8.8/", "8.8.8.8", 443),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
        ("https://under_score.example.com/", "under_score.example.com", 443),
    ],
)
def test_ordinary_urls_pass(url, host, port):
    target = check_url(url, STRICT)
    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F000001",
        "017700000001", "0177.0.0.1", "127.0.0.1.", "①②⑦.⓪.⓪.①", "127。0。0。1", "0", "0.0.0.0",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[fec0::1]", "[fe80::1]",
        "[fe80::1%25eth0]", "[fd00::1]", "[ff02::1]", "[3fff::1]", "[5f00::1]", "[100::1]",
        "[2001:db8::1]", "[4000::1]", "10.0.0.1", "192.168.1.1", "172.31.255.255", "169.254.169.254",
        "168.63.129.16", "192.88.99.1", "224.0.0.1", "255.255.255.255", "100.100.100.200",
        "metadata.google.internal", "METADATA.goog", "metadata", "1.2.3.4.5", "foo.0x1",
    ],
)  # fmt: skip
def test_forbidden_hosts_are_refused_before_anything_is_resolved(host):
    with pytest.raises(InvalidInputError, match=r"^url: "):
        check_url(f"https://{host}/", STRICT)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/", "allow_http"),
        ("ftp://example.com/", "https"),
        ("example.com/x", "no host"),
        ("/x", "no host"),
        ("", "no host"),
        ("https:///x", "no host"),
        ("https://example.com:8443/", "allowed_ports"),
        ("https://example.com:0/", "allowed_ports"),
        ("https://example.com:99999/", "can't be read"),
        ("https://user:hunter2@example.com/", "credentials"),
        ("https://hunter2@example.com/", "credentials"),
        ("https://example.com/#part", "#"),
        ("https://example.com/\r\nX-Evil: 1", "control character"),
        ("https://example.com\\@127.0.0.1/", "backslash"),
        ("https://exa mple.com/", "space"),
        ("https://1.2.3.4%00.com/", "valid name"),
        ("https://-a.com/", "valid name"),
        ("https://a..b/", "valid name"),
        ("https://" + "a" * 64 + ".com/", "name|read"),
        ("https://" + "a." * 127 + "com/", "name|read"),
        ("https://example.com./", "dot"),
        ("https://example.com/" + "a" * 2048, "longer"),
    ],
)
def test_faulty_urls_are_refused_with_what_to_do(url, words):
    with pytest.raises(InvalidInputError, match=words) as refused:
        check_url(url, STRICT)
    assert "hunter2" not in str(refused.value)


@given(st.text(max_size=40).map("https://{}".format) | st.text(max_size=60))
def test_any_text_is_either_a_target_or_a_refusal(text):
    try:
        target = check_url(text, STRICT)
    except InvalidInputError:
        return
    assert target.url.scheme == "https"
    assert target.port in {80, 443}
    assert target.address is None or forbidden_reason(target.address, STRICT) is None


def test_a_refusal_names_address_reason_and_mend():
    with pytest.raises(BlockedAddressError) as refused:
        check_url("https://10.1.2.3/", STRICT)
    assert str(refused.value) == (
        "url: 10.1.2.3 is forbidden (private); use a public one,"
        " or let the operator add 10.1.2.3 to delivery.allow_private_cidrs"
    )


# ── what the operator may open ───────────────────────────────────────────────────────────────────


def test_operator_can_open_loopback_http_and_ports():
    assert check_url("http://127.0.0.1:8080/hook", LOCAL).port == 8080
    assert check_url("http://[::ffff:127.0.0.1]:8080/", LOCAL).port == 8080
    with pytest.raises(BlockedAddressError):
        check_url("http://[::1]:8080/", LOCAL)
    with pytest.raises(BlockedAddressError):
        check_url("http://10.0.0.1:8080/", LOCAL)
    with pytest.raises(InvalidInputError, match="1024-65535, 80"):
        check_url("http://127.0.0.1:81/", LOCAL)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
        "fd00:ec2::254%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    ],
)  # fmt: skip
def test_metadata_stays_forbidden_whatever_is_opened(address):
    everything = EgressPolicy(allow_private_cidrs=["0.0.0.0/0", "::/0"])
    assert "metadata" in str(forbidden_reason(ipaddress.ip_address(address), everything))
    assert forbidden_reason(ipaddress.ip_address("10.0.0.1"), everything) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"allow_private_cidrs": ["10.0.0.1/8"]},
        {"allow_private_cidrs": ["ten"]},
        {"allowed_ports": [0]},
        {"allowed_ports": [65536]},
        {"allowed_ports": ["90-80"]},
        {"allowed_ports": ["http"]},
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_read_is_refused(wrong):
    with pytest.raises(InvalidInputError, match=r"delivery\."):
        EgressPolicy(**wrong)


# ── resolution ───────────────────────────────────────────────────────────────────────────────────


async def test_a_name_is_resolved_once_and_all_its_addresses_are_returned():
    resolver = FixedResolver(["93.184.215.14", "2606:4700::1111"])
    target = check_url("https://hooks.example.com/", STRICT)
    addresses = await vet(target, STRICT, resolver)
    assert [str(address) for address in addresses] == ["93.184.215.14", "2606:4700::1111"]
    assert resolver.asked == ["hooks.example.com"]


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "10.0.0.1"],
        ["2606:4700::1111", "::ffff:10.0.0.1"],
        ["fe80::1%eth0"],
        ["nonsense"],
    ],
    ids=str,
)
async def test_one_forbidden_answer_refuses_the_name(answers):
    target = check_url("https://hooks.example.com/", STRICT)
    with pytest.raises(BlockedAddressError, match=r"hooks\.example\.com resolves to"):
        await vet(target, STRICT, FixedResolver(answers))


async def test_a_literal_is_never_looked_up():
    resolver = FixedResolver()
    target = check_url("https://8.8.8.8/", STRICT)
    assert await vet(target, STRICT, resolver) == (IPv4Address("8.8.8.8"),)
    assert resolver.asked == []


def test_localhost_is_judged_by_what_it_resolves_to():
    assert check_url("https://localhost/", STRICT).address is None
    with pytest.raises(BlockedAddressError, match=r"127\.0\.0\.1, which is forbidden \(loopback\)"):
        vet_answers("localhost", ["127.0.0.1"], STRICT)
    assert vet_answers("localhost", ["127.0.0.1"], LOCAL) == [IPv4Address("127.0.0.1")]
