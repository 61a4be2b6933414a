"""The tests' Signal server as an API: what it answers when it behaves, when it doesn't, and to an operator."""

import asyncio

import aiohttp
import pytest
from fakes_signal import signal_server
from fakes_signal_clients import WAIT, ask, listener, next_frame
from fakes_signal_faults import (
    BROKEN,
    FAILED,
    GARBAGE,
    HANGS,
    HANGS_AFTER,
    UNTRUSTED_KEYS,
    partly,
    rate_limited,
)
from fakes_signal_people import PHOTO
from fakes_signal_rest import CAPTCHA
from fakes_signal_wire import ACCOUNT


async def test_a_key_that_changed_stops_both_directions_until_it_is_trusted() -> None:
    async with signal_server() as server, listener(server) as socket:
        person = server.person()
        send = {"number": ACCOUNT, "recipients": [person.uuid], "message": "hi"}
        before = person.safety_number
        person.reinstalls()
        person.writes("it's me")
        assert (await next_frame(socket))["exception"]["type"] == "UntrustedIdentityException"
        assert await ask(server, "POST", "/v2/send", send) == (400, UNTRUSTED_KEYS.body)
        (known,) = (await ask(server, "GET", f"/v1/identities/{ACCOUNT}"))[1]
        assert known["status"] == "UNTRUSTED"
        assert known["safety_number"] != before
        trust = f"/v1/identities/{ACCOUNT}/trust/{person.uuid}"
        assert (await ask(server, "PUT", trust, {"verified_safety_number": before}))[0] == 400
        assert (await ask(server, "PUT", trust, {"verified_safety_number": known["safety_number"]}))[0] == 204
        assert (await ask(server, "POST", "/v2/send", send))[0] == 201
        assert person.messages == ["hi"]


async def test_a_send_that_hangs_goes_on_when_released() -> None:
    async with signal_server() as server:
        person = server.person()
        send = {"number": ACCOUNT, "recipients": [person.uuid], "message": "hi"}
        for fault, meanwhile in ((HANGS, 0), (HANGS_AFTER, 2)):
            server.fails(fault)
            asking = asyncio.create_task(ask(server, "POST", "/v2/send", send))
            await server.until(lambda: server.hanging == 1)
            assert len(person.heard) == meanwhile
            server.release()
            status, told = await asyncio.wait_for(asking, WAIT)
            assert (status, told[0]["timestamp"]) == (201, str(person.heard[-1].at))


async def test_a_server_that_goes_down_leaves_what_hangs_unanswered_and_undone() -> None:
    async with signal_server() as server:
        person = server.person()
        server.fails(HANGS)
        send = {"number": ACCOUNT, "recipients": [person.uuid], "message": "hi"}
        asking = asyncio.create_task(ask(server, "POST", "/v2/send", send))
        await server.until(lambda: server.hanging == 1)
        await server.stop()
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(asking, WAIT)
        assert person.heard == []


async def test_faults_are_told_apart_by_path_and_by_recipient() -> None:
    async with signal_server() as server:
        one, other = server.person(), server.person()
        server.fails(FAILED, to=one.uuid, always=True)
        server.fails(BROKEN, on="/v1/contacts")

        async def send(who: str) -> int:
            return (await ask(server, "POST", "/v2/send", {"number": ACCOUNT, "recipients": [who], "message": "m"}))[0]

        assert [await send(one.uuid), await send(other.uuid), await send(one.uuid)] == [400, 201, 400]
        contact = {"recipient": other.uuid, "expiration_in_seconds": 60}
        assert (await ask(server, "PUT", f"/v1/contacts/{ACCOUNT}", contact))[0] == 500
        assert (await ask(server, "PUT", f"/v1/contacts/{ACCOUNT}", contact))[0] == 204
        assert other.timer == 60
        server.heals()
        assert await send(one.uuid) == 201


async def test_limits_give_tokens_that_a_captcha_lifts() -> None:
    async with signal_server() as server:
        person = server.person()
        send = {"number": ACCOUNT, "recipients": [person.uuid], "message": "m"}
        server.fails(rate_limited("token"), always=True)
        status, told = await ask(server, "POST", "/v2/send", send)
        assert (status, told["challenge_tokens"], told["account"]) == (429, ["token"], ACCOUNT)
        challenge = f"/v1/accounts/{ACCOUNT}/rate-limit-challenge"
        assert (await ask(server, "POST", challenge, {"challenge_token": "token", "captcha": "no"}))[0] == 400
        solved = {"challenge_token": "token", "captcha": CAPTCHA + "x"}
        assert (await ask(server, "POST", challenge, solved))[0] == 204
        assert (await ask(server, "POST", "/v2/send", send))[0] == 201
        server.fails(rate_limited("", done=True))
        assert (await ask(server, "POST", "/v2/send", send))[1]["challenge_tokens"] == [""]
        assert person.messages == ["m", "m"]  # although it said otherwise


async def test_answers_may_be_garbage_or_partly_bad() -> None:
    async with signal_server() as server:
        person, gone = server.person(), server.person()
        gone.reachable = False
        send = {"number": ACCOUNT, "recipients": [person.uuid], "message": "m"}
        server.fails(GARBAGE, partly("NETWORK_FAILURE"))
        with pytest.raises(ValueError, match="Expecting"):
            await ask(server, "POST", "/v2/send", send)
        status, (told,) = await ask(server, "POST", "/v2/send", send)
        assert (status, told["errors"]["recipients"]) == (201, [{"uuid": person.uuid, "reason": "NETWORK_FAILURE"}])
        assert person.messages == ["m"]
        status, (told,) = await ask(server, "POST", "/v2/send", {**send, "recipients": [person.uuid, gone.uuid]})
        assert (status, [one["uuid"] for one in told["errors"]["recipients"]]) == (201, [gone.uuid])
        assert await ask(server, "POST", "/v2/send", {**send, "recipients": [gone.uuid]}) == (400, FAILED.body)


async def test_files_stay_until_they_are_deleted() -> None:
    async with signal_server() as server:
        server.person().sends_file(voice=None)
        (name,) = (await ask(server, "GET", "/v1/attachments"))[1]
        assert await ask(server, "GET", f"/v1/attachments/{name}") == (200, PHOTO)
        assert (await ask(server, "DELETE", f"/v1/attachments/{name}"))[0] == 204
        missing = {"error": "No attachment with that name found"}
        assert await ask(server, "DELETE", f"/v1/attachments/{name}") == (404, missing)
        assert await ask(server, "GET", "/v1/attachments") == (200, [])


async def test_a_number_is_registered_named_and_locked() -> None:
    async with signal_server() as server:
        server.rest.registered = False
        assert await ask(server, "GET", "/v1/accounts") == (200, [])
        register = f"/v1/register/{ACCOUNT}"
        assert (await ask(server, "POST", register, {"use_voice": False}))[0] == 400
        assert (await ask(server, "POST", register, {"captcha": CAPTCHA + "x", "use_voice": False}))[0] == 201
        assert (await ask(server, "POST", f"{register}/verify/000-000", {}))[0] == 400
        assert (await ask(server, "POST", f"{register}/verify/123-456", {}))[0] == 201
        assert await ask(server, "GET", "/v1/accounts") == (200, [ACCOUNT])
        assert (await ask(server, "PUT", f"/v1/profiles/{ACCOUNT}", {"name": "Mission"}))[0] == 204
        assert (await ask(server, "POST", f"/v1/accounts/{ACCOUNT}/pin", {"pin": "8317"}))[0] == 201
        status, told = await ask(server, "POST", f"/v1/accounts/{ACCOUNT}/username", {"username": "mission"})
        assert (status, told["username"]) == (201, "mission.42")
        hidden = {"discoverable_by_number": False, "share_number": False}
        assert (await ask(server, "PUT", f"/v1/accounts/{ACCOUNT}/settings", hidden))[0] == 204
        assert (server.rest.profile["name"], server.rest.pin, server.rest.settings) == ("Mission", "8317", hidden)
        trust = f"/v1/configuration/{ACCOUNT}/settings"
        assert (await ask(server, "POST", trust, {"trust_mode": "never"}))[0] == 204
        assert await ask(server, "GET", trust) == (200, {"trust_mode": "never"})


async def test_a_device_is_linked_by_a_picture_or_by_its_words() -> None:
    async with signal_server() as server:
        assert (await ask(server, "GET", "/v1/qrcodelink"))[0] == 400
        assert (await ask(server, "GET", "/v1/qrcodelink?device_name=x"))[1].startswith(b"\x89PNG")
        status, told = await ask(server, "GET", "/v1/qrcodelink/raw?device_name=x")
        assert (status, told["device_link_uri"][:18]) == (200, "sgnl://linkdevice?")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/health", 204),
        ("GET", "/v9/health", 404),
        ("GET", "/", 404),
        ("POST", "/v1/receipts/+491700000000", 400),
        ("GET", f"/v1/groups/{ACCOUNT}", 200),
        ("GET", f"/v1/groups/{ACCOUNT}/group.AAAA", 404),
        ("POST", "/v2/send", 400),
    ],
)
async def test_every_path_is_answered(method: str, path: str, status: int) -> None:
    async with signal_server() as server:
        answered, told = await ask(server, method, path)
        assert answered == status
        assert status < 400 or set(told) == {"error"}
