from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from fakes_signal import SignalServer, signal_server
from fakes_signal_faults import BAD_GATEWAY, Fault, rate_limited
from fakes_signal_rest import CODE, LINK
from fakes_signal_wire import ACCOUNT
from fakes_smtp import closed_port

from bot.channels.signal_setup import findings, lift, link, profile, register, username, verify
from bot.errors import BotError, DeliveryError, SettingsError

SOLVED = "signalcaptcha://signal-hcaptcha.5fad97ac.registration.P1_x"
PIN = "73910264"


@pytest.fixture
async def server() -> AsyncIterator[SignalServer]:
    async with signal_server() as server:
        server.rest.registered = False
        yield server


async def test_a_number_is_set_up_from_nothing(server: SignalServer) -> None:
    assert "CODE" in await register(server.address, ACCOUNT, f" {SOLVED}\n", voice=False)
    assert "postigo signal profile" in await verify(server.address, ACCOUNT, CODE, "")
    assert "PIN" in await profile(server.address, ACCOUNT, " Mission ", PIN)
    assert await username(server.address, ACCOUNT, "@mission_talk") == (
        "mission_talk.42",
        "https://signal.me/#eu/bm8gcmVhbCBsaW5r",
    )
    assert await findings(server.address, ACCOUNT) == []
    assert (server.rest.pin, server.rest.profile) == (PIN, {"name": "Mission"})
    assert server.rest.settings == {"discoverable_by_number": False, "share_number": False}


async def test_without_a_captcha_the_operator_hears_where_to_solve_one(server: SignalServer) -> None:
    with pytest.raises(SettingsError, match=r"wants a captcha: open https://signalcaptchas\.org.*a few minutes"):
        await register(server.address, ACCOUNT, "", voice=False)


async def test_an_old_captcha_is_told_from_none(server: SignalServer) -> None:
    with pytest.raises(SettingsError, match="too old: open https://signalcaptchas"):
        await register(server.address, ACCOUNT, "stale", voice=True)


async def test_a_call_can_be_asked_for(server: SignalServer) -> None:
    assert "calls" in await register(server.address, ACCOUNT, SOLVED, voice=True)
    assert server.asked[-1].body == {"use_voice": True, "captcha": SOLVED}


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12a-456", "../../x"])
async def test_what_is_no_code_is_not_sent(code: str, server: SignalServer) -> None:
    with pytest.raises(SettingsError, match="six digits"):
        await verify(server.address, ACCOUNT, code, "")
    assert server.asked == []


async def test_a_number_with_a_pin_wants_it_and_does_not_repeat_it(server: SignalServer) -> None:
    server.rest.pin = PIN
    await register(server.address, ACCOUNT, SOLVED, voice=False)
    with pytest.raises(SettingsError, match="has a PIN"):
        await verify(server.address, ACCOUNT, CODE, "")
    await verify(server.address, ACCOUNT, CODE, PIN)
    assert server.rest.registered


async def test_the_servers_own_words_are_kept_but_for_what_was_typed(server: SignalServer) -> None:
    server.fails(Fault(400, {"error": f"wrong code 123-456\nwith {PIN} " + "x" * 500}), on="/v1/register")
    with pytest.raises(DeliveryError) as caught:
        await verify(server.address, ACCOUNT, CODE, PIN)
    told = str(caught.value)
    assert told.startswith("Signal didn't take the code (the server says: wrong code … with … x")
    assert "\n" not in told and PIN not in told and len(told) < 300


async def test_too_many_tries_are_told_as_such(server: SignalServer) -> None:
    server.fails(Fault(429, {"error": "rate limit"}), on="/v1/register")
    with pytest.raises(DeliveryError, match="wait some hours"):
        await register(server.address, ACCOUNT, SOLVED, voice=False)


@pytest.mark.parametrize(("name", "pin"), [("", PIN), (" ", PIN), ("x" * 27, PIN), ("Mission", ""), ("Mission", "123")])
async def test_a_profile_needs_a_name_and_a_pin(name: str, pin: str, server: SignalServer) -> None:
    with pytest.raises(SettingsError, match="expected a"):
        await profile(server.address, ACCOUNT, name, pin)
    assert server.asked == []


@pytest.mark.parametrize("step", ["/v1/profiles", "PUT /v1/accounts/settings", "POST /v1/accounts/pin"])
async def test_a_step_of_the_profile_that_fails_is_told(step: str, server: SignalServer) -> None:
    server.rest.registered = True
    server.fails(Fault(400, {"error": "not the primary device"}), on=step)
    with pytest.raises(DeliveryError, match="not the primary device"):
        await profile(server.address, ACCOUNT, "Mission", PIN)


@pytest.mark.parametrize("wanted", ["", "ab", "7even", "with space", "x" * 33, "ünï"])
async def test_what_is_no_username_is_not_asked_for(wanted: str, server: SignalServer) -> None:
    with pytest.raises(SettingsError, match="3 to 32"):
        await username(server.address, ACCOUNT, wanted)
    assert server.asked == []


@pytest.mark.parametrize("answer", [{}, [], {"username": "x.1"}, None])
async def test_an_answer_without_a_username_is_no_username(answer: object, server: SignalServer) -> None:
    server.fails(Fault(201, answer), on="/v1/accounts")
    with pytest.raises(DeliveryError, match="without a username"):
        await username(server.address, ACCOUNT, "mission")


async def test_a_phone_is_linked_by_the_address_for_a_qr_code(server: SignalServer) -> None:
    assert await link(server.address, "mission & co") == LINK
    assert server.rest.linking == "mission & co"


async def test_an_answer_without_an_address_links_nothing(server: SignalServer) -> None:
    server.fails(Fault(200, {"device_link_uri": "https://x"}), on="/v1/qrcodelink")
    with pytest.raises(DeliveryError, match="without an address"):
        await link(server.address, "mission")


async def test_a_limit_is_lifted_with_its_token_and_a_captcha(server: SignalServer) -> None:
    server.rest.registered = True
    server.fails(rate_limited("token-1"), always=True)
    server._challenges.add("token-1")
    assert "lifted" in await lift(server.address, ACCOUNT, "token-1", "signalcaptcha://signal-hcaptcha.challenge.P1")
    with pytest.raises(DeliveryError, match="challenge/generate"):
        await lift(server.address, ACCOUNT, "token-1", "signalcaptcha://signal-hcaptcha.challenge.P1")
    with pytest.raises(SettingsError, match="challenge/generate"):
        await lift(server.address, ACCOUNT, "token-1", " ")


FINDINGS: dict[str, tuple[Callable[[SignalServer], object], str]] = {
    "nothing registered": (lambda server: setattr(server.rest, "registered", False), "postigo signal register"),
    "too old": (lambda server: server.about.update(version="0.100.9"), "0.101.0 or newer"),
    "no version": (lambda server: server.about.update(version="?"), "0.101.0 or newer"),
    "another mode": (lambda server: server.about.update(mode="normal"), "MODE=json-rpc"),
    "trusts everybody": (lambda server: setattr(server.rest, "trust_mode", "always"), "on-first-use"),
    "something else": (lambda server: server.fails(BAD_GATEWAY, on="/v1/about"), "no signal-cli-rest-api"),
    "unregistered there": (
        lambda server: server.fails(Fault(400, {"error": "User is not registered."}), on="/v1/devices"),
        "User is not registered",
    ),
}


@pytest.mark.parametrize("what", FINDINGS)
async def test_what_is_missing_is_said_in_a_sentence(what: str, server: SignalServer) -> None:
    server.rest.registered = True
    spoil, told = FINDINGS[what]
    spoil(server)
    (found,) = await findings(server.address, ACCOUNT)
    assert told in found


@pytest.mark.parametrize("version", ["0.101.0", "0.102", "1.0.0", "v0.101.1", "unset"])
async def test_these_versions_are_new_enough(version: str, server: SignalServer) -> None:
    server.rest.registered = True
    server.about["version"] = version
    assert await findings(server.address, ACCOUNT) == []


GONE = f"http://127.0.0.1:{closed_port()}"


async def test_a_server_that_is_not_there_is_a_finding() -> None:
    (found,) = await findings(GONE, ACCOUNT)
    assert found.startswith(f"nothing answers at {GONE}: start")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: register(GONE, ACCOUNT, SOLVED, voice=False),
        lambda: verify(GONE, ACCOUNT, CODE, PIN),
        lambda: link(GONE, "mission"),
        lambda: profile(GONE, ACCOUNT, "Mission", PIN),
        lambda: username(GONE, ACCOUNT, "mission"),
        lambda: lift(GONE, ACCOUNT, "token", SOLVED),
    ],
)
async def test_a_server_that_is_not_there_is_one_line_for_the_operator(ask: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(BotError, match="can't be reached"):
        await ask()


COMPOSE = (Path(__file__).resolve().parents[2] / "config" / "deploy" / "compose.yaml").read_text("utf-8")


def test_the_signal_server_is_never_published_and_stops_before_the_bot() -> None:
    stands = [line.split("#")[0].strip() for line in COMPOSE.splitlines()]
    assert not any(line.startswith(("ports:", "network_mode:", "expose:")) for line in stands)
    assert "internal: true" in stands
    assert "depends_on: [postigo]" in stands  # what depends on the bot is stopped before it


@pytest.mark.parametrize(
    "line",
    [
        "MODE: json-rpc",
        "LOG_LEVEL: warn",
        *(f'JSON_RPC_IGNORE_{what}: "true"' for what in ("ATTACHMENTS", "STORIES", "AVATARS", "STICKERS")),
        "JSON_RPC_TRUST_NEW_IDENTITIES: on-first-use",
    ],
)
def test_the_signal_server_is_set_to_keep_and_to_tell_as_little_as_it_can(line: str) -> None:
    assert line in [one.split("#")[0].strip() for one in COMPOSE.splitlines()]
