"""The numbers that are told: each by a name and labels of closed lists, and right."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from operations.asking import numbers as read

from bot.logbook import Event
from bot.operations.health import SENTENCES, Counted, Seen, Told, Wrong, sentence, wrong
from bot.operations.metrics import CONTENT_TYPE, TURN_SECONDS, Metrics

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
QUEUES = {("mail", "urgent"): (0, 0), ("say", "urgent"): (2, 60), ("say", "other"): (1, 0)}
WELL = Seen(carrying=True, waiting=3, keys=2, counted=Counted(talks=7, cases=4, queues=QUEUES))


class Bot:
    """What a bot tells its metrics."""

    def __init__(self) -> None:
        self.at = NOON
        self.told = Told({"signal": True, "telegram": True}, lambda: self.at)
        self.metrics = Metrics(self.told)

    def logs(self, *names: Event, channel: object = None) -> None:
        for name in names:
            self.metrics.noted(name, channel)
            self.told.noted(name, channel)

    def numbers(self, seen: Seen = WELL) -> dict[str, float]:
        """Every sample, by its name with labels."""
        text = self.metrics.text(seen, (one for one, _ in wrong(seen, self.told))).decode()
        return read(text)


@pytest.fixture
def bot() -> Bot:
    made = Bot()
    made.logs(Event.READY)
    return made


def test_every_registered_event_has_a_counter_from_the_beginning() -> None:
    numbers = Bot().numbers()
    assert {name: numbers[f'postigo_events_total{{event="{name}"}}'] for name in Event} == dict.fromkeys(Event, 0.0)


def test_events_are_counted_by_name_alone(bot: Bot) -> None:
    bot.logs(*[Event.CASE_HANDED_OFF] * 2, Event.MAIL_REFUSED)
    numbers = bot.numbers()
    assert numbers['postigo_events_total{event="case_handed_off"}'] == 2
    assert numbers['postigo_events_total{event="mail_refused"}'] == 1
    assert sum(value for name, value in numbers.items() if name.startswith("postigo_events")) == 4


def test_what_was_seen_is_told(bot: Bot) -> None:
    numbers = bot.numbers()
    told = {name: value for name, value in numbers.items() if not name.startswith(("postigo_events", "process_"))}
    turns = {name for name in told if name.startswith("postigo_turn_seconds")}
    assert {name: value for name, value in told.items() if name not in turns} == {
        "postigo_ready": 1,
        "postigo_messages_kept_out_total": 0,
        **{f'postigo_wrong{{what="{one}"}}': 0 for one in Wrong},
        'postigo_channel_up{channel="signal"}': 1,
        'postigo_channel_up{channel="telegram"}': 1,
        "postigo_writer_waiting": 3,
        "postigo_day_keys": 2,
        "postigo_talks": 7,
        "postigo_cases_open": 4,
        'postigo_outbox_rows{kind="mail",lane="urgent"}': 0,
        'postigo_outbox_rows{kind="say",lane="urgent"}': 2,
        'postigo_outbox_rows{kind="say",lane="other"}': 1,
        'postigo_outbox_oldest_seconds{kind="mail",lane="urgent"}': 0,
        'postigo_outbox_oldest_seconds{kind="say",lane="urgent"}': 60,
        'postigo_outbox_oldest_seconds{kind="say",lane="other"}': 0,
    }
    assert len(turns) == len(TURN_SECONDS) + 3


def test_what_could_not_be_counted_has_no_number_and_the_rest_has(bot: Bot) -> None:
    numbers = bot.numbers(Seen(carrying=True, waiting=9, keys=1, counted=None))
    assert (numbers["postigo_ready"], numbers['postigo_wrong{what="writer"}']) == (0, 1)
    assert numbers["postigo_writer_waiting"] == 9
    assert not any(name.startswith(("postigo_talks", "postigo_cases", "postigo_outbox")) for name in numbers)


def test_turns_are_counted_by_how_long_they_took(bot: Bot) -> None:
    bot.metrics.turned(3, 0.03)
    bot.metrics.turned(1, 4.0)
    bot.metrics.turned(0, 1.0, 100)
    numbers = bot.numbers()
    assert (numbers["postigo_turn_seconds_count"], numbers["postigo_messages_kept_out_total"]) == (4, 100)
    assert numbers["postigo_turn_seconds_sum"] == pytest.approx(4.09)
    assert (numbers['postigo_turn_seconds_bucket{le="0.025"}'], numbers['postigo_turn_seconds_bucket{le="0.05"}']) == (
        (0, 3)
    )
    assert numbers['postigo_turn_seconds_bucket{le="2.0"}'] == 3


def test_the_age_of_the_last_mail_begins_with_the_first_one(bot: Bot) -> None:
    name = "postigo_mail_last_accepted_age_seconds"
    assert name not in bot.numbers()
    bot.logs(Event.MAIL_ACCEPTED)
    bot.at += timedelta(hours=2)
    assert bot.numbers()[name] == 7200
    bot.at = NOON - timedelta(hours=1)
    assert bot.numbers()[name] == 0


CHANNELS = [
    ((Event.CHANNEL_UP,), "signal", 1),
    ((Event.CHANNEL_DEAF,), "signal", 0),
    ((Event.CHANNEL_DOWN,), "signal", 0),
    ((Event.CHANNEL_STOPPED,), "signal", 0),
    ((Event.CHANNEL_DEAF, Event.CHANNEL_UP), "signal", 1),
    ((Event.CHANNEL_FULL,), "signal", 1),
    ((Event.CHANNEL_DEAF,), "+5215512345678", 1),
    ((Event.CHANNEL_DEAF,), None, 1),
]


@pytest.mark.parametrize(("names", "channel", "up"), CHANNELS)
def test_a_channel_hears_until_an_event_says_that_it_does_not(
    bot: Bot, names: tuple[Event, ...], channel: object, up: int
) -> None:
    bot.logs(*names, channel=channel)
    numbers = bot.numbers()
    assert {name: value for name, value in numbers.items() if "channel=" in name} == {
        'postigo_channel_up{channel="signal"}': up,
        'postigo_channel_up{channel="telegram"}': 1,
    }
    assert numbers["postigo_ready"] == numbers['postigo_channel_up{channel="signal"}']


def queued(**late: int) -> Seen:
    """One row in the urgent lane, or in the other, that is so many seconds late."""
    places = {name.rpartition("_")[::2]: (1, seconds) for name, seconds in late.items()}
    return Seen(carrying=True, waiting=0, keys=1, counted=Counted(0, 0, places))


HEALTH = [
    ((), WELL, []),
    ((Event.STOPPING,), WELL, [(Wrong.NOT_RUNNING, "")]),
    ((), Seen(carrying=False, waiting=0, keys=1, counted=WELL.counted), [(Wrong.COURIER, "")]),
    ((), Seen(carrying=True, waiting=0, keys=1, counted=None), [(Wrong.WRITER, "")]),
    ((), queued(say_urgent=300, mail_urgent=300, say_other=9000, mail_other=9000), []),
    ((), queued(say_urgent=360), [(Wrong.OVERDUE, "")]),
    ((), queued(mail_urgent=360), [(Wrong.ALERTS, "")]),
    ((), queued(hand_off_urgent=360, ping_urgent=360), [(Wrong.OVERDUE, ""), (Wrong.ALERTS, "")]),
    (
        (Event.STOPPING, Event.CHANNEL_DEAF),
        Seen(carrying=False, waiting=0, keys=1, counted=None),
        [(Wrong.NOT_RUNNING, ""), (Wrong.WRITER, ""), (Wrong.COURIER, ""), (Wrong.CHANNEL, "telegram")],
    ),
]


@pytest.mark.parametrize(("names", "seen", "found"), HEALTH)
def test_each_thing_that_is_wrong_is_found(
    bot: Bot, names: tuple[Event, ...], seen: Seen, found: list[tuple[Wrong, str]]
) -> None:
    bot.logs(*names, channel="telegram")
    assert list(wrong(seen, bot.told)) == found
    numbers = bot.numbers(seen)
    assert numbers["postigo_ready"] == (not found)
    told = {one for one in Wrong if numbers[f'postigo_wrong{{what="{one}"}}']}
    assert told == {one for one, _ in found}


def test_each_thing_that_can_be_wrong_is_one_line_without_a_number_of_anybody() -> None:
    assert list(SENTENCES) == list(Wrong)
    assert sentence(Wrong.CHANNEL, "signal") == "channel: a channel hears nobody: signal"
    assert all(re.fullmatch(r"[a-z_]+: [a-z0-9, ]+", sentence(one, "")) for one in Wrong)


def test_the_page_on_configuration_tells_what_each_number_means_and_each_thing_that_can_be_wrong(bot: Bot) -> None:
    page = (Path(__file__).parents[2] / "config" / "README.md").read_text("utf-8")
    bot.logs(Event.MAIL_ACCEPTED)
    families = re.findall(r"^# TYPE (postigo_\w+) (\w+)$", bot.metrics.text(WELL, ()).decode(), re.MULTILINE)
    told = dict(re.findall(r"^\| `(postigo_\w+)(?:\{[a-z,]+\})?` \((\w+)\) \|", page, re.MULTILINE))
    assert told == dict(families)
    assert [one for one in Wrong if f"| `{one}:` |" not in page] == []
    events = {name for names in re.findall(r'event=~"([^"]+)"', page) for name in names.split("\\|")}
    assert events and events <= {*Event}


def test_the_text_is_what_prometheus_reads_and_names_no_library_or_version(bot: Bot) -> None:
    text = bot.metrics.text(WELL, ()).decode()
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"
    assert "python" not in text and "_created" not in text
    assert all(
        re.fullmatch(r'#.*|[a-z_]+(\{[a-z_]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? \S+', one) for one in text.splitlines()
    )
