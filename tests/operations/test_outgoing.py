"""Whom the bot calls by its settings, and the rules that let it call nobody else."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from bot.cli import main
from bot.errors import SettingsError
from bot.neighbours import neighbours
from bot.operations.outgoing import Call, Found, call_to, for_nftables, for_systemd, found, listed, resolvers
from bot.settings import Mailbox, MailFolder, Settings, Signal, Smtp, Storage, Telegram

RELAY = Call("mail.example.org", 587, "takes the sealed mails")
CALLS = [
    Found(RELAY, (ip_address("192.0.2.7"), ip_address("2001:db8::7"))),
    Found(Call("localhost", 8080, "is the bot's own Signal server"), (ip_address("127.0.0.1"),)),
]
NAMES = [ip_address("192.0.2.53"), ip_address("127.0.0.53")]


TABLES: list[tuple[dict[str, object], list[Call]]] = [
    ({}, []),
    ({"mail": MailFolder(Path("mails"))}, []),
    ({"mail": Smtp("mail.example.org", "a@example.org", 587)}, [RELAY]),
    (
        {"mailbox": Mailbox("imap.example.org", 993, "bot", "secret")},
        [Call("imap.example.org", 993, "holds what comes back and officers' answers")],
    ),
    ({"telegram": Telegram("1:" + "a" * 30)}, [Call("api.telegram.org", 443, "is Telegram")]),
    ({"telegram": Telegram("1:" + "a" * 30, "http://127.0.0.1:81/x")}, [Call("127.0.0.1", 81, "is Telegram")]),
    ({"signal": Signal("signal:8080", "+5215500000000")}, [Call("signal", 8080, "is the bot's own Signal server")]),
    (
        {"storage": Storage("postgresql+psycopg://bot@db.example.org/postigo", Path("keys"))},
        [Call("db.example.org", 5432, "keeps the sealed rows")],
    ),
]


@pytest.mark.parametrize(("tables", "told"), TABLES)
def test_each_table_of_the_settings_that_names_a_server_is_a_call(tables: dict[str, object], told: list[Call]) -> None:
    given = {"storage": Storage("sqlite:////var/rows.db", Path("keys"))} | tables
    assert list(neighbours(Settings(Path("mission.toml"), **given))) == told  # type: ignore[arg-type]  # by table


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.org/bot", "example.org", 443),
        ("https://example.org:8443", "example.org", 8443),
        ("[::1]:8080", "::1", 8080),
        ("http://signal:80", "signal", 80),
    ],
)
def test_a_call_is_read_from_an_address(url: str, host: str, port: int) -> None:
    assert call_to(url, 443, "x") == Call(host, port, "x")


def test_the_list_is_a_line_for_each() -> None:
    assert listed([RELAY]) == "mail.example.org 587 takes the sealed mails\n"


def test_the_drop_in_allows_loopback_what_is_called_and_who_tells_addresses_and_denies_the_rest() -> None:
    lines = for_systemd(CALLS, NAMES).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "[Service]",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "IPAddressAllow=192.0.2.7",
        "IPAddressAllow=2001:db8::7",
        "IPAddressAllow=192.0.2.53",
    ]
    assert "# mail.example.org: takes the sealed mails" in lines


def test_the_ruleset_lets_the_bots_bridge_reach_addresses_and_ports_and_rejects_the_rest() -> None:
    lines = [line.strip() for line in for_nftables(CALLS, NAMES).splitlines()]
    inside = lines[lines.index("chain of_the_bot {") + 1 : lines.index("counter reject")]
    assert [line for line in inside if not line.startswith("#")] == [
        "ct direction reply accept",
        "ip daddr 192.0.2.7 tcp dport 587 accept",
        "ip6 daddr 2001:db8::7 tcp dport 587 accept",
        "ip daddr 127.0.0.1 tcp dport 8080 accept",
        *(f"ip daddr {name} {kind} dport 53 accept" for name in NAMES for kind in ("udp", "tcp")),
    ]
    assert 'iifname "postigo-out" jump of_the_bot' in lines
    assert "\n".join(lines).count("{") == "\n".join(lines).count("}") == 3


def test_the_bridge_of_the_ruleset_is_the_one_that_compose_makes() -> None:
    compose = Path(__file__).parents[2] / "config" / "deploy" / "compose.yaml"
    assert "com.docker.network.bridge.name: postigo-out" in compose.read_text("utf-8")


def test_addresses_are_asked_for_and_a_name_without_one_is_refused() -> None:
    (one,) = found([Call("127.0.0.1", 25, "x")])
    assert one.addresses == (ip_address("127.0.0.1"),)
    with pytest.raises(SettingsError, match=r"nowhere\.invalid: no address was found"):
        found([Call("nowhere.invalid", 25, "x")])  # RFC 6761, section 6.4


def test_who_tells_addresses_is_read_from_the_systems_file(tmp_path: Path) -> None:
    place = tmp_path / "resolv.conf"
    place.write_text("# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\n")
    assert resolvers(place) == [ip_address("192.0.2.53"), ip_address("fe80::1")]
    assert resolvers(tmp_path / "none") == []


SETTINGS = """
mission = "mission.toml"
[storage]
url = "sqlite:///rows.db"
keys = "keys"
[mail]
host = "127.0.0.1"
sender = "postigo@example.org"
"""


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("list", "127.0.0.1 587 takes the sealed mails\n"),
        ("systemd", "IPAddressDeny=any"),
        ("nftables", "ip daddr 127.0.0.1 tcp dport 587 accept"),
    ],
)
def test_the_verb_prints_each_form(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, told: str) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS, "utf-8")
    assert main(["outgoing", "--config", str(tmp_path / "settings.toml"), "--format", form]) == 0
    assert told in capsys.readouterr().out


def test_the_verb_opens_no_secret_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What systemd hands to the service alone can't be read by whoever types the verb."""
    secrets = '[telegram]\ntoken_file = "handed over"\nwebhook_url = "https://a.example"\nsecret_file = "this too"\n'
    login = SETTINGS + 'username = "postigo"\npassword_file = "and this"\n' + secrets
    (tmp_path / "settings.toml").write_text(login, "utf-8")
    assert main(["outgoing", "--config", str(tmp_path / "settings.toml")]) == 0
    assert "api.telegram.org 443 is Telegram" in capsys.readouterr().out
    assert main(["check", "--config", str(tmp_path / "settings.toml")]) == 2
    assert "telegram.token_file: expected a text file, and there is none" in capsys.readouterr().out
