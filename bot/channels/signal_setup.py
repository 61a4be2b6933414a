"""Sets a number up on Signal, step by step, and says what is missing: plain HTTP, one clear sentence each time.

What an operator types (captcha, code, PIN) is never repeated, even where the server repeats it.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote

from bot.channels.signal_service import GONE, TOO_MANY, Answer, Service
from bot.errors import DeliveryError, SettingsError

OLDEST = (0, 101, 0)  # signalbot asks for it
CAPTCHAS = "https://signalcaptchas.org/registration/generate.html"
CHALLENGES = "https://signalcaptchas.org/challenge/generate.html"
SHORTEST_PIN = 4
LONGEST_NAME = 26  # characters that Signal shows

_CODE = re.compile(r"[0-9]{3}-?[0-9]{3}")
_PIN = re.compile(r"\bpin\b", re.IGNORECASE)
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,31}(\.[0-9]{2,9})?")
_VERSION = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_LONGEST_WORDS = 200


async def register(service: str, number: str, captcha: str, voice: bool) -> str:
    """Ask Signal for a code. `captcha`: the link a solved one gives, or ""; `voice`: a call in place of an SMS.

    Raises SettingsError or DeliveryError: what to do first.
    """
    captcha = captcha.strip()
    content = {"use_voice": voice} | ({"captcha": captcha} if captcha else {})
    answer = await Service(service).ask("POST", f"/v1/register/{_bare(number)}", content)
    if "captcha" in answer.error().lower():
        why = "Signal didn't take this captcha, or it is too old" if captcha else "Signal wants a captcha"
        raise SettingsError(f"{why}: {_how(CAPTCHAS)}; then register again")
    _demand(answer, "Signal didn't register the number", captcha)
    way = "calls" if voice else "sends an SMS to"
    return f"Signal {way} {number} with a code of six digits: postigo signal verify CODE, within ten minutes."


async def verify(service: str, number: str, code: str, pin: str) -> str:
    """Prove with the code that the number is ours. `pin`: the one set earlier for this number, or "".

    Raises SettingsError or DeliveryError: what to do first.
    """
    code = code.strip()
    if not _CODE.fullmatch(code):
        raise SettingsError("expected the code of six digits that Signal has sent, as in 123-456")
    content = {"pin": pin} if pin else {}
    answer = await Service(service).ask("POST", f"/v1/register/{_bare(number)}/verify/{quote(code)}", content)
    if not answer.good and not pin and _PIN.search(answer.error()):
        raise SettingsError("this number has a PIN: give it with the code, or wait seven days until Signal forgets it")
    _demand(answer, "Signal didn't take the code", code, pin)
    return f"{number} is registered. Now: postigo signal profile, which names it, hides it and sets a PIN."


async def link(service: str, device_name: str) -> str:
    """Return the address that a phone must read as a QR code to link this server to its account.

    Raises SettingsError or DeliveryError: what to do first.
    """
    answer = await Service(service).ask("GET", f"/v1/qrcodelink/raw?device_name={quote(device_name, safe='')}")
    _demand(answer, "Signal gave no address to link with")
    told = answer.told()
    address = told.get("device_link_uri") if isinstance(told, dict) else None
    if not isinstance(address, str) or not address.startswith("sgnl://"):
        raise DeliveryError("Signal's server answered without an address to link with: try again")
    return address


async def profile(service: str, number: str, name: str, pin: str) -> str:
    """Name the number, keep it from being found or shown, and set the PIN that nobody can take it over without.

    Raises SettingsError or DeliveryError: what to do first.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise SettingsError(f"expected a name of 1 to {LONGEST_NAME} characters")
    if len(pin) < SHORTEST_PIN:
        raise SettingsError(
            f"expected a PIN of {SHORTEST_PIN} characters or more: without it the number can be taken over"
        )
    path, hidden = f"/v1/accounts/{_bare(number)}", {"discoverable_by_number": False, "share_number": False}
    server = Service(service)
    named = await server.ask("PUT", f"/v1/profiles/{_bare(number)}", {"name": name})
    _demand(named, "Signal didn't take the name", pin)
    _demand(await server.ask("PUT", f"{path}/settings", hidden), "Signal didn't hide the number", pin)
    _demand(await server.ask("POST", f"{path}/pin", {"pin": pin}), "Signal didn't take the PIN", pin)
    return "The name and the PIN are set; nobody finds the bot by its number. Keep the PIN where two people find it."


async def username(service: str, number: str, wanted: str) -> tuple[str, str]:
    """Take a username; return it as Signal gave it, with its digits, and the link that opens a talk with it.

    Raises SettingsError or DeliveryError: what to do first.
    """
    wanted = wanted.strip().removeprefix("@")
    if not _USERNAME.fullmatch(wanted):
        raise SettingsError("expected a username of 3 to 32 letters, digits and _, that doesn't begin with a digit")
    answer = await Service(service).ask("POST", f"/v1/accounts/{_bare(number)}/username", {"username": wanted})
    _demand(answer, "Signal didn't give that username; try another")
    told = answer.told()
    given = (told.get("username"), told.get("username_link")) if isinstance(told, dict) else (None, None)
    if not isinstance(given[0], str) or not isinstance(given[1], str):
        raise DeliveryError("Signal's server answered without a username: ask it again")
    return given[0], given[1]


async def lift(service: str, number: str, token: str, captcha: str) -> str:
    """Lift a limit on sending. `token`: what Signal gave with the limit; `captcha`: the link a solved one gives.

    Raises SettingsError or DeliveryError: what to do first.
    """
    content = {"challenge_token": token.strip(), "captcha": captcha.strip()}
    if not all(content.values()):
        raise SettingsError(f"expected the token and a captcha: {_how(CHALLENGES)}")
    answer = await Service(service).ask("POST", f"/v1/accounts/{_bare(number)}/rate-limit-challenge", content)
    _demand(answer, f"Signal didn't take it: {_how(CHALLENGES)}; then try again", *content.values())
    return "The limit is lifted; what waits is sent at its next try."


async def findings(service: str, number: str) -> list[str]:
    """Return what is missing before people can be heard, a sentence each; nothing: all is well."""
    server = Service(service)
    try:
        about = (await server.ask("GET", "/v1/about")).told()
        found = _about(about if isinstance(about, dict) else {})
        return found or [*await _account(server, number), *await trust_findings(service, number)]
    except DeliveryError:
        return [f"nothing answers at {server.url}: start signal-cli-rest-api, or correct signal.service"]


async def trust_findings(service: str, number: str) -> list[str]:
    """Return what is wrong with whom the server trusts, a sentence each. Raises DeliveryError: it doesn't answer."""
    told = (await Service(service).ask("GET", f"/v1/configuration/{_bare(number)}/settings")).told()
    if isinstance(told, dict) and told.get("trust_mode") == "always":
        return ["every changed safety number is trusted: start it with JSON_RPC_TRUST_NEW_IDENTITIES=on-first-use"]
    return []


def _about(about: dict[str, object]) -> list[str]:
    found, version = [], str(about.get("version", ""))
    told = _VERSION.match(version)
    if not about:
        return ["what answers at signal.service is no signal-cli-rest-api: correct signal.service"]
    if version != "unset" and (not told or tuple(int(part or 0) for part in told.groups()) < OLDEST):
        oldest = ".".join(map(str, OLDEST))
        found.append(f"signal-cli-rest-api is too old: {oldest} or newer is needed")
    if about.get("mode") != "json-rpc":
        found.append("signal-cli-rest-api runs in another mode: start it with MODE=json-rpc")
    return found


async def _account(server: Service, number: str) -> list[str]:
    numbers = (await server.ask("GET", "/v1/accounts")).told()
    if not isinstance(numbers, list) or number not in numbers:
        return [f"{number} isn't set up there: postigo signal register, or postigo signal link"]
    devices = await server.ask("GET", f"/v1/devices/{_bare(number)}")
    if devices.good or devices.status == GONE:
        return []
    return [f"Signal doesn't take {number} for registered{_words(devices)}: postigo signal register"]


def _demand(answer: Answer, otherwise: str, *secrets: str) -> None:
    """Raise where the server didn't do what it was asked."""
    if answer.good:
        return
    if answer.status == TOO_MANY:
        raise DeliveryError(f"{otherwise}: too many tries; wait some hours{_words(answer, secrets)}")
    raise DeliveryError(f"{otherwise}{_words(answer, secrets)}")


def _words(answer: Answer, secrets: Sequence[str] = ()) -> str:
    """Return the server's own words, on one line and without what was typed."""
    words = answer.error()
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return f" (the server says: {line[:_LONGEST_WORDS]})" if line else f" (the server answered {answer.status})"


def _how(page: str) -> str:
    """Return how a captcha is solved."""
    return (
        f"open {page} in a browser, solve it, and copy the link under “Open Signal”, which begins with "
        "signalcaptcha://; it is good for a few minutes, and once"
    )


def _bare(number: str) -> str:
    return quote(number, safe="+")
