"""Stands where signalbot keeps its HTTP session: errors keep their bodies, and nothing hangs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.channels.signal_service import Answer, Service


class Refused(Exception):  # noqa: N818 - caught beside the call, never shown
    """The server answered, and not well."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Response:
    """As much of a response as signalbot looks at."""

    answer: Answer

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.answer.status

    def raise_for_status(self) -> None:
        """Do nothing: a bad answer was raised before."""

    async def json(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what the body holds; None if it isn't JSON."""
        return self.answer.told()


class Session:
    """Asks through our service. Raises Refused for a bad answer, and as the service does for none."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.get = self._asking("GET")
        self.post = self._asking("POST")
        self.put = self._asking("PUT")
        self.delete = self._asking("DELETE")

    def _asking(self, verb: str) -> Callable[..., Awaitable[Response]]:
        async def ask(url: str, **sent: Any) -> Response:  # noqa: ANN401 - as signalbot calls it: headers and data
            answer = await self._service.ask_raw(verb, url, sent["data"])
            if not answer.good:
                raise Refused(answer)
            return Response(answer)

        return ask
