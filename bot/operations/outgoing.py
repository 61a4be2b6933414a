"""What the bot may call, written as rules that let it call nobody else: for systemd, and for a container's network.

Whom it calls is told by `neighbours.py`. Nothing here changes the system: an operator reads the rules, then loads them.
"""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import SettingsError

Address = IPv4Address | IPv6Address

DNS_PORT = 53  # RFC 1035, section 4.2
BRIDGE = "postigo-out"  # the bridge of the bot's own way out, as config/deploy/compose.yaml names it
STALE = "Names get new addresses: make these rules anew once a day, and whenever the settings change."
_RESOLVER = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class Call:
    """Whom the bot calls: a name or an address, a TCP port, and what for."""

    host: str
    port: int
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """A call, and the addresses that its name has now, lowest first."""

    call: Call
    addresses: tuple[Address, ...]


def call_to(url: str, default_port: int, why: str) -> Call:
    """Return the call that goes to `url`, as in https://host/path or host:port."""
    split = urlsplit(url if "//" in url else f"//{url}")
    return Call(split.hostname or "", split.port or default_port, why)


def listed(calls: Sequence[Call]) -> str:
    """Return a line for each call: host, port, what for."""
    return "".join(f"{call.host} {call.port} {call.why}\n" for call in calls)


def found(calls: Sequence[Call]) -> list[Found]:
    """Ask for the addresses of each name. Raises SettingsError: a name has none, and rules would lock it out."""
    return [Found(call, tuple(_addresses(call))) for call in calls]


def resolvers(file: Path = _RESOLVER) -> list[Address]:
    """Return who tells this machine the addresses of names; none where that can't be read."""
    try:
        lines = [line.split() for line in file.read_text("utf-8", errors="replace").splitlines()]
    except OSError:
        return []
    told = [words[1].partition("%")[0] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]
    return [ip_address(one) for one in told]


def for_systemd(calls: Sequence[Found], names: Sequence[Address]) -> str:
    """Return a drop-in for the unit (systemd.resource-control(5)): nothing but loopback and these addresses."""
    lines = [f"# {STALE}", "# systemd looks at addresses, not at ports.", "[Service]", "IPAddressDeny=any"]
    lines.append("IPAddressAllow=localhost")
    for one in calls:
        lines.append(f"# {one.call.host}: {one.call.why}")
        lines += [f"IPAddressAllow={address}" for address in one.addresses if not address.is_loopback]
    lines.append("# who tells the addresses of names")
    lines += [f"IPAddressAllow={address}" for address in names if not address.is_loopback]
    return "\n".join(lines) + "\n"


def for_nftables(calls: Sequence[Found], names: Sequence[Address]) -> str:
    """Return a ruleset (nft(8)) for the host of the containers: what leaves by the bot's bridge goes there, or nowhere.

    Loading it again replaces it. An answer to somebody who called the bot (a webhook behind a proxy) may leave.
    """
    table = "table inet postigo_outgoing"
    lines = [
        f"# {STALE}",
        table,
        f"delete {table}",
        f"{table} {{",
        "\tchain of_the_bot {",
        "\t\tct direction reply accept",
    ]
    for one in calls:
        lines.append(f"\t\t# {one.call.host}: {one.call.why}")
        lines += [f"\t\t{_to(address)} tcp dport {one.call.port} accept" for address in one.addresses]
    lines.append("\t\t# who tells the addresses of names")
    lines += [f"\t\t{_to(address)} {kind} dport {DNS_PORT} accept" for address in names for kind in ("udp", "tcp")]
    lines += ["\t\tcounter reject", "\t}", "\tchain leaving {"]
    lines.append("\t\ttype filter hook forward priority -10; policy accept;")
    lines += [f'\t\tiifname "{BRIDGE}" jump of_the_bot', "\t}", "}"]
    return "\n".join(lines) + "\n"


def _to(address: Address) -> str:
    return f"{'ip' if address.version == 4 else 'ip6'} daddr {address}"  # noqa: PLR2004 - IPv4


def _addresses(call: Call) -> Iterator[Address]:
    try:
        answers = socket.getaddrinfo(call.host, call.port, type=socket.SOCK_STREAM)
    except OSError:
        raise SettingsError(f"{call.host}: no address was found; rules without it would lock it out") from None
    told = {ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers}
    yield from sorted(told, key=lambda one: (one.version, int(one)))
