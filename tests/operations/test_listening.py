"""Pages on this machine alone: what is answered to whom, and that nothing of ours stands between the lines."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus

import pytest
from operations.asking import asked, connected

from bot.errors import SettingsError
from bot.operations import listening
from bot.operations.listening import AT_ONCE, LARGEST_HEAD, Listening, Page

GET = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def well() -> Page:
    return Page(HTTPStatus.OK, b"ok\n")


async def broken() -> Page:
    raise RuntimeError("somebody's words")


PAGES = {"/health": well, "/broken": broken}


@pytest.fixture
async def served() -> AsyncIterator[Listening]:
    one = Listening("127.0.0.1:0", PAGES)
    async with one.serving():
        yield one


async def test_a_page_is_told_with_its_length_and_nothing_about_who_answers(served: Listening) -> None:
    status, headers, body = await asked(served.port, GET)
    assert (status, body) == (200, "ok\n")
    assert set(headers) == {
        *("Date", "Content-Type", "Content-Length", "X-Content-Type-Options", "Cache-Control", "Connection")
    }
    assert (headers["Content-Length"], headers["Connection"]) == ("3", "close")


HOSTS = [
    ("127.0.0.1", 200),
    ("127.0.0.1:9108", 200),
    ("127.3.2.1:1", 200),
    ("localhost", 200),
    ("LOCALHOST:9108", 200),
    ("[::1]:9108", 200),
    ("postigo.example.org", 421),
    ("postigo.example.org:9108", 421),
    ("127.0.0.1.example.org", 421),
    ("localhost.example.org", 421),
    ("10.0.0.7", 421),
    ("127.0.0.1@example.org", 421),
    ("", 421),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
async def test_only_whoever_asks_by_a_name_of_this_machine_is_answered(
    served: Listening, host: str, status: int
) -> None:
    assert (await asked(served.port, f"GET /health HTTP/1.1\r\nhost:  {host} \r\n\r\n"))[0] == status


REQUESTS = [
    (GET.replace("/health", "/"), 404),
    (GET.replace("/health", "/health/"), 404),
    (GET.replace("/health", "/health?verbose"), 404),
    (GET.replace("/health", "http://127.0.0.1/health"), 404),
    (GET.replace("/health", "/../health"), 404),
    (GET.replace("GET", "POST"), 405),
    (GET.replace("GET", "HEAD"), 405),
    (GET.replace("GET", "DELETE"), 405),
    (GET.replace("GET", "get"), 400),
    (GET.replace("HTTP/1.1", "HTTP/2.0"), 400),
    (GET.replace("HTTP/1.1", "HTTP/1.0"), 200),
    (GET.replace(" HTTP/1.1", ""), 400),
    (GET.replace("Host: 127.0.0.1\r\n", ""), 400),
    (GET.replace("Host: 127.0.0.1\r\n", "Host: 127.0.0.1\r\nHost: example.org\r\n"), 400),
    (GET.replace("\r\n\r\n", "\r\nCookie: " + "x" * LARGEST_HEAD + "\r\n\r\n"), 400),
    ("\xff\x00\x16\x03\x01\r\n\r\n", 400),
    ("\r\n\r\n", 400),
]


@pytest.mark.parametrize(("request_", "status"), REQUESTS)
async def test_what_is_asked_in_another_way_gets_no_page(served: Listening, request_: str, status: int) -> None:
    found, headers, body = await asked(served.port, request_)
    assert found == status
    assert (body == "ok\n") == (status == 200)
    assert headers.get("Allow") == ("GET" if status == 405 else None)


async def test_a_page_that_fails_is_a_fault_that_tells_nothing(
    served: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    status, _, body = await asked(served.port, GET.replace("/health", "/broken"))
    assert (status, body) == (500, "Internal Server Error\n")
    assert [record.msg.shown["event"] for record in caplog.records if hasattr(record.msg, "shown")] == ["fault"]
    assert (await asked(served.port, GET))[0] == 200


async def test_whoever_is_slow_or_goes_away_hears_nothing_and_holds_nobody_up(
    served: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "PATIENCE", 0.05)
    async with connected(served.port, GET[:20]):
        pass
    async with connected(served.port, GET[:20]) as (slow, _):
        assert await slow.read() == b""
    assert (await asked(served.port, GET))[0] == 200


async def test_of_many_connections_a_few_are_served_and_the_rest_are_closed(served: Listening) -> None:
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(connected(served.port, GET[:20])) for _ in range(AT_ONCE)]
        async with connected(served.port, "") as (extra, _):
            assert await extra.read() == b""
        reader, writer = held[0]
        writer.write(GET[20:].encode())
        assert (await reader.read()).endswith(b"ok\n")
        assert (await asked(served.port, GET))[0] == 200


async def test_when_it_ends_nobody_is_left_waiting_and_the_port_is_free() -> None:
    one = Listening("localhost:0", PAGES)
    async with AsyncExitStack() as stack:
        async with one.serving():
            reader, _ = await stack.enter_async_context(connected(one.port, GET[:20]))
            assert (await asked(one.port, GET))[0] == 200
        assert await reader.read() == b""
    async with Listening(f"127.0.0.1:{one.port}", PAGES).serving():
        assert (await asked(one.port, GET))[0] == 200


async def test_a_port_that_somebody_else_has_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingsError) as refused:
            async with Listening(listen, PAGES).serving():
                pass
    expected = f"expected an address that is free, and {listen} isn't"
    assert str(refused.value) == f"operations.listen: {expected}: Address already in use"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_whether_an_address_is_free_is_told_as_it_is_when_it_is_listened_to(host: str) -> None:
    family = socket.AF_INET6 if host == "[::1]" else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as other:
        listen = f"{host}:{other.getsockname()[1]}"
        expected = f"operations.listen: expected an address that is free, and {listen} isn't: Address already in use"
        assert listening.findings(listen) == [expected]
    assert listening.findings(listen) == []


async def test_to_look_whether_an_address_is_free_keeps_nobody_from_it(served: Listening) -> None:
    listen = f"127.0.0.1:{served.port}"
    assert len(listening.findings(listen)) == 1
    assert (await asked(served.port, GET))[0] == 200
