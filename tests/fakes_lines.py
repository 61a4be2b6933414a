"""How a server on loopback stops listening without leaving a line open that nobody closes."""

import asyncio


async def closed(listening: asyncio.Server) -> None:
    """Accept nobody more, let those who were accepted just now be met, and close: on a closed server they stay open."""
    for one in listening.sockets:
        asyncio.get_running_loop().remove_reader(one)
    for _ in range(3):  # until they are accepted, met, and known to whoever breaks them off
        await asyncio.sleep(0)
    listening.close()
