"""The numbers that Prometheus asks for: counts, ages and lengths of queues, by names of closed lists and nothing else.

A registry of its own: what libraries register for themselves is told to nobody. What each number means, and which of
them should wake somebody, stands in config/README.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from bot.logbook import Event
from bot.operations.health import Counted, Seen, Told, Wrong

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
TURN_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # 2.0: what an SOS may take


class Metrics(Collector):
    """Counts events and turns, and writes them down with what is seen at the moment of asking."""

    def __init__(self, told: Told) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they would tell when each counter began
        self._told = told
        self._seen: Seen | None = None
        self._wrong: frozenset[Wrong] = frozenset()
        self._registry = CollectorRegistry()
        events = Counter("postigo_events", "Logged events, by name.", ["event"], registry=self._registry)
        self._events = {name: events.labels(name.value) for name in Event}
        self._turns = Histogram(
            "postigo_turn_seconds",
            "From a message's arrival to its commit.",
            buckets=TURN_SECONDS,
            registry=self._registry,
        )
        self._kept_out = Counter(
            "postigo_messages_kept_out", "Not heard: too many came at once.", registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def noted(self, name: Event, _channel: object) -> None:
        """Count one event; from whatever thread."""
        self._events[name].inc()

    def turned(self, turns: int, seconds: float, kept_out: int = 0) -> None:
        """Count turns that were committed together, and the messages that came with theirs and were kept out."""
        self._kept_out.inc(kept_out)
        for _ in range(turns):
            self._turns.observe(seconds)

    def text(self, seen: Seen, wrong: Iterable[Wrong]) -> bytes:
        """Return everything as a text of CONTENT_TYPE."""
        self._seen, self._wrong = seen, frozenset(wrong)
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: there is nothing to be measured when this is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what was seen; of what was not, no sample."""
        seen, told = self._seen, self._told
        if seen is None:
            return
        yield _gauge("postigo_ready", "1 when nothing is wrong.", int(not self._wrong))
        wrong = [((one.value,), int(one in self._wrong)) for one in Wrong]
        yield _gauges("postigo_wrong", "1 for each thing that is wrong.", ["what"], wrong)
        hears = [((channel,), int(hears)) for channel, hears in sorted(told.hears.items())]
        yield _gauges("postigo_channel_up", "1 when a channel hears people.", ["channel"], hears)
        yield _gauge("postigo_writer_waiting", "Jobs that wait for the database.", seen.waiting)
        yield _gauge("postigo_day_keys", "Keys of days that live.", seen.keys)
        if told.accepted is not None:
            age = max((told.now() - told.accepted).total_seconds(), 0.0)
            yield _gauge("postigo_mail_last_accepted_age_seconds", "Since a mail was taken.", age)
        if seen.counted is not None:
            yield from _counted(seen.counted)


def _counted(counted: Counted) -> Iterator[Metric]:
    yield _gauge("postigo_talks", "Talks that are kept.", counted.talks)
    yield _gauge("postigo_cases_open", "Cases that no officer has closed.", counted.cases)
    queues = sorted(counted.queues.items())
    rows = [(place, rows) for place, (rows, _) in queues]
    yield _gauges("postigo_outbox_rows", "What should have been carried out by now.", ["kind", "lane"], rows)
    late = [(place, seconds) for place, (_, seconds) in queues]
    told = "Since the oldest of them was due, in whole minutes."
    yield _gauges("postigo_outbox_oldest_seconds", told, ["kind", "lane"], late)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _gauges(name: str, told: str, labels: list[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family
