import asyncio
import base64
import gc
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import logs
from bot.logs import FIELDS, Event, event, install, watch

CANARY = "Wkq8zrVtNmXpLbYs"
Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Install the logs, put everything back afterwards, and return what stands on stderr as lines."""
    root = logging.getLogger()
    kept = (root.handlers[:], root.level, logs.OWN.level, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    install("debug")

    def written() -> list[dict[str, object]]:
        shown = capsys.readouterr()
        assert CANARY not in shown.out + shown.err
        assert base64.b64encode(CANARY.encode()).decode() not in shown.out + shown.err
        return [json.loads(line) for line in shown.err.splitlines()]

    yield written
    root.handlers[:], level, own, logging.raiseExceptions = kept
    root.setLevel(level)
    logs.OWN.setLevel(own)
    logging.captureWarnings(capture=False)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


class CanaryError(Exception):
    """Carries the canary in its text, as a ValueError quotes what it was given."""


def fail() -> None:
    words = CANARY
    raise CanaryError(words)


def caught() -> CanaryError:
    try:
        fail()
    except CanaryError as error:
        return error
    raise AssertionError


def test_an_event_is_one_json_line(lines: Lines) -> None:
    event(Event.READY, channels=("terminal", "signal"))
    (line,) = lines()
    assert line.pop("at")
    assert line == {"severity": "info", "event": "ready", "channels": ["terminal", "signal"]}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"attempts": 3}, {"attempts": 3}),
        ({"passing": True}, {"passing": True}),
        ({"reference": "K7Q2ZB"}, {"reference": "K7Q2ZB"}),
        ({"channel": "telegram"}, {"channel": "telegram"}),
        ({"attempts": True}, {"withheld": ["attempts"]}),
        ({"attempts": -1}, {"withheld": ["attempts"]}),
        ({"attempts": 5215512345678}, {"withheld": ["attempts"]}),
        ({"attempts": CANARY}, {"withheld": ["attempts"]}),
        ({"passing": 1}, {"withheld": ["passing"]}),
        ({"reference": CANARY}, {"withheld": ["reference"]}),
        ({"reference": 123456}, {"withheld": ["reference"]}),
        ({"channel": CANARY}, {"withheld": ["channel"]}),
        ({"channel": 1}, {"withheld": ["channel"]}),
        ({"channels": CANARY}, {"withheld": ["channels"]}),
        ({"channels": ["signal", CANARY]}, {"withheld": ["channels"]}),
        ({"text": CANARY}, {"withheld": ["text"]}),
        ({f"{CANARY} é": 1}, {"withheld": ["?"]}),
        ({"attempts": 1, "text": CANARY}, {"attempts": 1, "withheld": ["text"]}),
    ],
)
def test_a_field_is_shown_only_if_it_is_registered_and_fits(
    lines: Lines, fields: dict[str, Any], shown: dict[str, object]
) -> None:
    event(Event.MAIL_DELAYED, **fields)
    (line,) = lines()
    assert {name: value for name, value in line.items() if name not in {"at", "severity", "event"}} == shown


def test_no_field_takes_free_text() -> None:
    for field in FIELDS.values():
        with pytest.raises(ValueError, match=rf"^$|'{CANARY}' is not a valid Channel"):
            field(CANARY)


def test_an_exception_is_told_by_types_and_places(lines: Lines) -> None:
    try:
        try:
            fail()
        except CanaryError as error:
            raise RuntimeError(CANARY) from error
    except RuntimeError as error:
        event(Event.TURN_FAILED, error=error, channel="signal")
    (line,) = lines()
    assert line["error"] == ["RuntimeError", "CanaryError"]
    (place,) = line["places"] if isinstance(line["places"], list) else []
    assert "test_an_exception_is_told_by_types_and_places" in place
    assert line["severity"] == "error"


def test_the_innermost_place_of_an_exception_is_told(lines: Lines) -> None:
    event(Event.TURN_FAILED, error=caught())
    (line,) = lines()
    places = line["places"]
    assert isinstance(places, list)
    assert [place.split(":")[1] for place in places] == ["caught", "fail"]


def test_an_exception_that_is_its_own_cause_ends(lines: Lines) -> None:
    error = caught()
    other = RuntimeError(CANARY)
    error.__context__, other.__context__ = other, error
    event(Event.ROUND_FAILED, error=error)
    assert lines()[0]["error"] == ["CanaryError", "RuntimeError"]


@pytest.mark.parametrize("severity", [logging.DEBUG, logging.INFO])
def test_a_library_below_warning_is_not_heard(lines: Lines, severity: int) -> None:
    library = logging.getLogger("chatty")
    library.setLevel(logging.DEBUG)
    library.log(severity, "sent %s", CANARY)
    assert lines() == []


def test_a_library_warning_is_reduced_to_logger_and_place(lines: Lines) -> None:
    logging.getLogger("chatty.http").warning("POST /bot%s/send", CANARY, stack_info=True)
    (line,) = lines()
    place = line.pop("place")
    assert isinstance(place, str)
    assert place.startswith("test_logs:")
    assert line.pop("at")
    assert line == {"severity": "warning", "event": "library", "logger": "chatty.http"}


def test_a_library_exception_keeps_its_type_only(lines: Lines) -> None:
    logging.getLogger("chatty").error(CANARY, exc_info=caught(), extra={"shown": {"text": CANARY}})
    (line,) = lines()
    assert line["error"] == ["CanaryError"]


def test_a_logger_named_after_words_is_not_told(lines: Lines) -> None:
    logging.getLogger(f"{CANARY} said").error("x")
    assert lines()[0]["logger"] == "?"


def test_a_record_on_our_own_logger_is_no_way_around(lines: Lines) -> None:
    logs.OWN.info(CANARY)
    logs.OWN.error(CANARY)
    (line,) = lines()
    assert (line["event"], line["logger"]) == ("library", "postigo")


def test_a_record_that_cannot_be_written_prints_nothing(lines: Lines) -> None:
    logging.getLogger("chatty").error("%d", CANARY)
    assert len(lines()) == 1


def test_a_warning_is_reduced_to_its_place(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(CANARY, stacklevel=1)
    assert [line["logger"] for line in lines()] == ["py.warnings"]


def test_what_nobody_caught_is_a_fault(lines: Lines) -> None:
    error = caught()
    sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=fail, name=CANARY)
    thread.start()
    thread.join()
    assert [(line["event"], line["error"]) for line in lines()] == [("fault", ["CanaryError"])] * 2


def test_what_fails_while_an_object_dies_is_a_fault(lines: Lines) -> None:
    class Dying:
        def __del__(self) -> None:
            fail()

    gc.collect()  # what earlier tests left behind is told, and passed over
    lines()
    Dying()
    gc.collect()
    assert [line["error"] for line in lines()] == [["CanaryError"]]


async def test_what_fails_in_a_loop_is_a_fault(lines: Lines) -> None:
    loop = asyncio.get_running_loop()
    watch(loop)
    loop.call_soon(fail)
    await asyncio.sleep(0)
    loop.call_exception_handler({"message": CANARY})
    loop.set_exception_handler(None)
    assert [line.get("error") for line in lines()] == [["CanaryError"], None]


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", "turn_taken ready mail_delayed fault"), ("warning", "mail_delayed fault"), ("error", "fault")],
)
def test_the_level_chooses_among_events(lines: Lines, level: str, heard: str) -> None:
    install(level)
    for name in (Event.TURN_TAKEN, Event.READY, Event.MAIL_DELAYED, Event.FAULT):
        event(name)
    assert " ".join(str(line["event"]) for line in lines()) == heard


def test_a_closed_stderr_stops_nothing(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        event(Event.READY)
    assert lines() == []


def test_a_process_that_dies_of_an_exception_tells_no_words() -> None:
    program = f"from bot.logs import install; install('debug'); int('{CANARY}')"
    root = Path(__file__).parents[1]
    died = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert died.returncode == 1
    assert CANARY not in died.stdout + died.stderr
    assert json.loads(died.stderr)["error"] == ["ValueError"]


def test_whoever_counts_hears_of_every_event_at_any_level_with_its_channel_alone_while_it_lasts(lines: Lines) -> None:
    logs.OWN.setLevel("ERROR")
    heard: list[tuple[Event, object]] = []
    with logs.counted(lambda name, channel: heard.append((name, channel))):
        event(Event.TURN_TAKEN, channel="signal")
        event(Event.CASE_HANDED_OFF, reference="7K3QM4", level=1)
        logging.getLogger("library").warning(CANARY)
    event(Event.ERASED)
    assert heard == [(Event.TURN_TAKEN, "signal"), (Event.CASE_HANDED_OFF, None), (Event.LIBRARY, None)]
    assert [line["event"] for line in lines()] == ["library"]
