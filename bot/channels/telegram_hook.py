"""Updates that Telegram posts to us: answered with 200 once they are committed, since it sends again until then."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hmac import compare_digest

from aiohttp import web

from bot.channels.telegram_updates import NAME
from bot.channels.telegram_webhook import Webhook
from bot.errors import Unplaced
from bot.logs import Event, event

__all__ = ["Hook", "Webhook"]

LARGEST = 8 * 1024 * 1024  # bytes of a body; an update has a few thousand
STOPPING = 3.0  # seconds that turns which are being taken have when we stop
SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header


@dataclass(slots=True)
class Hook:
    """The endpoint. `take` returns once the turns of an update are committed."""

    webhook: Webhook
    take: Callable[[Sequence[object]], Awaitable[None]]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen meanwhile. Raises SettingsError: it can't listen there."""
        site = web.Application(client_max_size=LARGEST)
        site.router.add_post("/{path:.*}", self._posted)
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=STOPPING)
        await runner.setup()
        try:
            await self._listen(runner)
            yield
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        host, port = self.webhook.address
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            told = error.strerror or "no such address"
            at = self.webhook.listen
            raise Unplaced(f"telegram.listen: expected an address that is free, and {at} isn't: {told}") from None

    async def _posted(self, request: web.Request) -> web.Response:
        """Take one update. Nothing of a body is read whose sender doesn't know the secret."""
        given = request.headers.get(SECRET, "").encode("utf-8", "replace")
        if not compare_digest(given, self.webhook.secret.encode()):
            return web.Response(status=403)
        try:
            update = json.loads(await request.read())
        except (ValueError, RecursionError, web.HTTPRequestEntityTooLarge):
            event(Event.UPDATE_SET_ASIDE, channel=NAME, rows=1)
            return web.Response()  # whatever it is, it would only come again
        try:
            await self.take([update])
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was kept: it comes again
            event(Event.TURN_FAILED, error=error)
            return web.Response(status=500)
        return web.Response()
