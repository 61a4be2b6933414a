"""An IMAP server on loopback that says what a test wants, and when: for what a real one does once in a thousand times.

It has one empty folder and lets in whoever asks. What stands behind an answer is sent in one breath with it.
"""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import trustme

HOST = "localhost"
FULL = "IMAP4rev1 IDLE UIDPLUS"
GOODBYE = b"goodbye"  # as what stands behind an answer: the end of TLS, while TCP stays open


@dataclass
class ScriptedImap:
    """`behind`: what is sent with the answer to a command. `heard`: how often each command came."""

    port: int
    capability: str = FULL
    behind: dict[str, bytes] = field(default_factory=dict)
    heard: Counter[str] = field(default_factory=Counter)

    def attend(self, line: ssl.SSLSocket) -> None:
        """Answer every command of one session."""
        idling = b""
        line.sendall(b"* OK here\r\n")
        for said in line.makefile("rb"):
            words = said.upper().split()
            tag, command = (idling, "DONE") if words == [b"DONE"] else (words[0], words[1].decode())
            command = words[2].decode() if command == "UID" else command
            self.heard[command] += 1
            idling = tag if command == "IDLE" else idling
            before = {
                "CAPABILITY": f"* CAPABILITY {self.capability}\r\n".encode(),
                "SELECT": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] .\r\n",
                "SEARCH": b"* SEARCH\r\n",
            }.get(command, b"")
            behind = self.behind.get(command, b"")
            answer = b"+ idling\r\n" if command == "IDLE" else before + tag + b" OK done\r\n"
            if behind == GOODBYE:
                held = getattr(socket, "TCP_CORK", socket.TCP_NODELAY)  # where this can be: both in one packet
                line.setsockopt(socket.IPPROTO_TCP, held, 1)
                line.sendall(answer)
                line.setblocking(False)
                with suppress(ssl.SSLWantReadError):
                    line.unwrap()
                line.setblocking(True)
                line.setsockopt(socket.IPPROTO_TCP, held, 0)
            else:
                line.sendall(answer + behind)


@contextmanager
def scripted_imap(authority: trustme.CA, **script: object) -> Iterator[ScriptedImap]:
    """Run it until the block ends, each session in a thread of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    lines: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = ScriptedImap(listening.getsockname()[1], **script)  # type: ignore[arg-type]  # by name

        def meet(line: socket.socket) -> None:
            with suppress(OSError, ValueError), context.wrap_socket(line, server_side=True) as safe:
                lines.append(safe)
                server.attend(safe)

        def listen() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=meet, args=(listening.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for line in lines:
                with suppress(OSError):
                    socket.socket.shutdown(line, socket.SHUT_RDWR)
