"""`postigo signal …`: a number is set up step by step against a server; what is secret comes by a pipe, never shown."""

import asyncio
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_signal import SignalServer, signal_server
from fakes_signal_faults import Fault, rate_limited
from fakes_signal_rest import CODE, LINK
from fakes_signal_wire import ACCOUNT
from fakes_smtp import closed_port
from stories.program import mission_file, settings_file
from stories.stage import Inbox

from bot.cli import main
from bot.messengers import CHALLENGE
from bot.trials import NO_MAILBOX

SOLVED = "signalcaptcha://signal-hcaptcha.5fad97ac.registration.P1_x"
PIN = "73910264"


@pytest.fixture
def server() -> Iterator[SignalServer]:
    """A server in a thread of its own: each verb has a loop of its own."""
    ready, ended, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    found: list[SignalServer] = []

    async def serve() -> None:
        async with signal_server() as running:
            found.append(running)
            ready.set()
            await ended.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:  # lets go of every line, then closes the loop
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20)
    found[0].rest.registered = False
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(20)


@pytest.fixture
def settings(tmp_path: Path, server: SignalServer) -> Path:
    return configured(tmp_path, server.address)


def configured(folder: Path, address: str) -> Path:
    officer = Inbox(folder)
    mission_file(folder, "officer.asc", officer.contact.fingerprint)
    account = f'[signal]\nservice = "{address}"\nnumber = "{ACCOUNT}"'
    return settings_file(folder, 'directory = "mails"', account)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, settings: Path) -> "Told":
    return Told(capsys, monkeypatch, settings)


class Told:
    """The command line, with a pipe for what it asks."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, settings: Path) -> None:
        self._capsys, self._monkeypatch, self._settings = capsys, monkeypatch, settings

    def __call__(self, *words: str, given: str = "") -> tuple[int, str, str]:
        """Exit code, and what was said on stdout and stderr."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = main([*words, "--config", str(self._settings)])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err


def test_a_number_is_set_up_from_nothing(told: Told, server: SignalServer, settings: Path) -> None:
    server.rest.pin = PIN  # of an earlier owner: us
    code, out, err = told("signal", "register", "--voice", given=f"{SOLVED}\n")
    assert (code, err) == (0, "")
    assert out == f"Signal calls {ACCOUNT} with a code of six digits: postigo signal verify CODE, within ten minutes.\n"
    code, out, err = told("signal", "verify", CODE, given=f"{PIN}\n")
    assert (code, err) == (0, "") and out.startswith(f"{ACCOUNT} is registered. Now: postigo signal profile")
    code, out, err = told("signal", "profile", "Mission", given=f"{PIN}\n")
    assert (code, err) == (0, "") and "nobody finds the bot by its number" in out
    assert PIN not in out
    code, out, err = told("signal", "username", "mission_talk")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "username mission_talk.42",
        "link https://signal.me/#eu/bm8gcmVhbCBsaW5r",
        "Write both into [signal] of the mission's profile.",
    ]
    assert (server.rest.pin, server.rest.profile) == (PIN, {"name": "Mission"})
    assert server.rest.settings == {"discoverable_by_number": False, "share_number": False}
    code, out, _ = told("check")
    assert (code, out.splitlines()) == (2, [f"{settings}: {NO_MAILBOX}"])


def test_a_phone_is_linked_by_an_address_for_a_qr_code(told: Told, server: SignalServer) -> None:
    code, out, _ = told("signal", "link", "--device", "mission door")
    assert code == 0 and out.splitlines()[-1] == LINK and "Linked devices" in out
    assert server.rest.linking == "mission door"


WRONG = [
    (("register",), "", "Signal wants a captcha: open https://signalcaptchas.org/registration/generate.html"),
    (("register",), "an old one", "Signal didn't take this captcha, or it is too old: open https://signalcaptchas.org"),
    (("verify", "12345"), "", "expected the code of six digits that Signal has sent, as in 123-456"),
    (("verify", CODE), "", "Signal didn't take the code (the server says: Verify error: StatusCode: 403)"),
    (("profile", " "), PIN, "expected a name of 1 to 26 characters"),
    (("profile", "Mission"), "", "expected a PIN of 4 characters or more: without it the number can be taken over"),
    (("username", "ab"), "", "expected a username of 3 to 32 letters, digits and _"),
    (("username", "mission"), "", "Signal didn't give that username; try another (the server says: Specified account"),
]


@pytest.mark.parametrize(("words", "given", "sentence"), WRONG)
def test_what_is_wrong_is_one_line_with_what_to_do(
    words: tuple[str, ...], given: str, sentence: str, told: Told
) -> None:
    code, out, err = told("signal", *words, given=f"{given}\n")
    assert (code, out) == (2, "")
    assert err.startswith(f"postigo: {sentence}") and err.count("\n") == 1


def test_a_limit_is_lifted_with_the_token_that_the_bot_kept(told: Told, server: SignalServer, settings: Path) -> None:
    code, _, err = told("signal", "lift", given=f"{SOLVED}\n")
    assert code == 2 and "Signal has set no limit that a captcha would lift" in err
    kept = settings.parent / "keys" / CHALLENGE
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("token-1", "utf-8")
    server.rest.registered = True
    server.fails(rate_limited("token-1"))
    code, out, err = told("signal", "lift", given=f"{SOLVED}\n")
    assert (code, err) == (0, "") and out.startswith("The limit is lifted")
    assert not kept.exists()
    asked = [one for one in server.asked if "rate-limit-challenge" in one.path]
    assert [one.body for one in asked] == [{"challenge_token": "token-1", "captcha": SOLVED}]
    assert "token-1" not in out + err


def test_what_was_typed_is_repeated_by_nobody(told: Told, server: SignalServer) -> None:
    server.fails(Fault(400, {"error": f"no: {PIN} for {CODE}"}), on="/v1/register")
    code, out, err = told("signal", "verify", CODE, given=f"{PIN}\n")
    assert code == 2 and "no: … for …" in err
    assert PIN not in out + err


def test_without_signal_in_the_settings_nothing_is_asked(told: Told, settings: Path, server: SignalServer) -> None:
    settings_file(settings.parent, 'directory = "mails"')
    code, _, err = told("signal", "register")
    assert (code, err) == (2, f"postigo: {settings}: [signal]: expected service and number\n")
    assert server.asked == []


@pytest.mark.parametrize("step", ["register", "verify", "link", "profile", "username"])
def test_every_step_has_help(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["signal", step, "--help"])
    assert ended.value.code == 0 and "--config FILE" in capsys.readouterr().out


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────


def test_check_finds_a_number_that_is_not_set_up(told: Told, settings: Path) -> None:
    told_so = f"{settings}: signal: {ACCOUNT} isn't set up there: postigo signal register, or postigo signal link\n"
    assert told("check")[:2] == (2, f"{told_so}{settings}: {NO_MAILBOX}\n")  # beside it, advice on this machine


def test_check_finds_a_server_that_trusts_every_changed_key(told: Told, settings: Path, server: SignalServer) -> None:
    server.rest.registered = True
    server.rest.trust_mode = "always"
    code, out, _ = told("check")
    assert code == 2 and out.startswith(f"{settings}: signal: every changed safety number is trusted: start it with ")


def test_check_finds_a_server_in_another_mode_or_too_old(told: Told, server: SignalServer) -> None:
    server.about.update(mode="normal", version="0.80")
    code, out, _ = told("check")
    assert code == 2 and "MODE=json-rpc" in out and "0.101.0 or newer is needed" in out


def test_check_finds_that_no_server_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{closed_port()}"
    settings = configured(tmp_path, address)
    assert main(["check", "--config", str(settings)]) == 2
    wanted = "start signal-cli-rest-api, or correct signal.service"
    first, _ = capsys.readouterr().out.splitlines()
    assert first == f"{settings}: signal: nothing answers at http://{address}: {wanted}"
