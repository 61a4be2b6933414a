"""Which mails of ours are known to have come back, in the shapes that several servers give to that."""

import pytest
from fakes_replies import TOKEN, multipart, now, part

from bot.mail.mime import canonical
from bot.mail.proof import Proof
from bot.mail.replies import Bounce, Officers, Reply, Useless, Why, read_reply

OURS = "<4f0c2a@bot.example>"
ORIGINAL = f"From: bot@bot.example\nTo: officer@mission.example\nSubject: [...]\nMessage-ID: {OURS}\n"
DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\nTo: bot@bot.example\nSubject: Undelivered\n"


def nobody() -> Officers:
    return Officers(
        check_pgp=lambda *_: Why.STRANGER,
        read_clear=lambda _: Why.STRANGER,
        open_pgp=lambda _: None,
        check_smime=lambda *_: None,
        open_smime=lambda _: None,
    )


def read(raw: str | bytes, officers: Officers | None = None) -> Reply | Bounce | Useless:
    return read_reply(canonical(raw.encode() if isinstance(raw, str) else raw), officers or nobody(), now())


def report(
    action: str, status: str, returned: str, *, kind: str = "multipart/report; report-type=delivery-status"
) -> str:
    return (
        f'{DAEMON}MIME-Version: 1.0\nContent-Type: {kind};\n boundary="=_r"\n\n'
        "--=_r\nContent-Type: text/plain\n\nI'm sorry to have to inform you.\n\n"
        f"--=_r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; officer@mission.example\n{action}{status}"
        f"Diagnostic-Code: smtp; 550 5.1.1 unknown\n\n--=_r\n{returned}\n--=_r--\n"
    )


WHOLE = f"Content-Type: message/rfc822\n\n{ORIGINAL}Content-Type: text/plain\n\nsealed\n"
HEADERS = f"Content-Type: text/rfc822-headers\n\n{ORIGINAL}"
FOLDED = f"Content-Type: message/rfc822\n\nSubject: [...]\nMessage-Id:\n {OURS}\n\nsealed\n"
EXCHANGE = f"Content-Type: message/rfc822\nContent-Disposition: attachment\n\nReceived: a\n{ORIGINAL}\nsealed\n"
ENCODED = (
    "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
    "TWVzc2FnZS1JRDogPDRmMGMyYUBib3QuZXhhbXBsZT4NCg0Kc2VhbGVkDQo=\n"
)


@pytest.mark.parametrize("returned", [WHOLE, HEADERS, FOLDED, EXCHANGE, ENCODED, WHOLE.replace("rfc822", "global")])
@pytest.mark.parametrize(
    ("action", "status", "gone"),
    [
        ("Action: failed\n", "Status: 5.1.1\n", True),
        ("Action: failed\n", "Status: 4.4.7\n", True),  # tried for days, and given up
        ("action: FAILED (no such user)\n", "", True),
        ("Action: delayed\n", "Status: 4.4.1\n", False),
        ("Action: Delayed\n", "", False),
        ("", "Status: 5.2.2 (mailbox full)\n", True),
        ("", "Status: 4.2.2\n", False),
    ],
)
def test_a_delivery_status_notification_names_the_mail_and_its_fate(
    returned: str, action: str, status: str, gone: bool
) -> None:
    assert read(report(action, status, returned)) == Bounce((OURS,), gone)


@pytest.mark.parametrize("sender", ["receipts", "MAILER-DAEMON"])
@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_notification_of_success_is_no_bounce(action: str, sender: str) -> None:
    told = read(report(f"Action: {action}\n", "Status: 2.0.0\n", HEADERS).replace("MAILER-DAEMON", sender))
    assert told == Useless(Why.UNSIGNED)


def test_a_notification_is_found_where_a_list_or_a_filter_has_wrapped_it() -> None:
    inner = report("Action: failed\n", "", WHOLE).removeprefix(DAEMON).encode()
    wrapped = b"From: list@lists.example\r\n" + multipart(
        "multipart/mixed", canonical(inner), part("footer\n"), boundary="w"
    )
    assert read(wrapped) == Bounce((OURS,), gone=True)


EXIM = f"""From: Mail Delivery System <Mailer-Daemon@mx.example>
Return-Path: <>
X-Failed-Recipients: officer@mission.example
Subject: Mail delivery failed: returning message to sender
Content-Type: multipart/mixed; boundary="e"

--e
Content-Type: text/plain

A message that you sent could not be delivered: 550 5.1.1 unknown user

--e
{WHOLE}
--e--
"""
EXIM_WARNING = EXIM.replace(
    "Mail delivery failed: returning message to sender", "Warning: message delayed 24 hours"
).replace("550 5.1.1 unknown user", "it is tried again")
QMAIL = f"""Return-Path: <>
From: MAILER-DAEMON@mx.example
Subject: failure notice

Hi. This is the qmail-send program at mx.example.

<officer@mission.example>:
Sorry, no mailbox here by that name. (5.1.1)

--- Below this line is a copy of the message.

Return-Path: <bot@bot.example>
{ORIGINAL}
sealed
"""
BARE = f"Return-Path: <>\nFrom: nobody@mx.example\nSubject: returned\n{WHOLE}"
LATER = BARE.replace("Subject: returned", "Subject: 4.4.1 no answer from the other side")


@pytest.mark.parametrize(
    ("raw", "gone"), [(EXIM, True), (EXIM_WARNING, False), (QMAIL, True), (BARE, True), (LATER, False)]
)
def test_older_servers_are_understood_too(raw: str, gone: bool) -> None:
    assert read(raw) == Bounce((OURS,), gone)


@pytest.mark.parametrize(
    "raw",
    [
        BARE.replace("Return-Path: <>\n", ""),  # somebody forwards a mail of ours
        EXIM.replace(f"Message-ID: {OURS}\n", ""),
        QMAIL.replace("--- Below this line", "Below that line"),
        report("Action: failed\n", "", "Content-Type: text/plain\n\nnothing\n"),
        "Return-Path: <>\nSubject: I am on holiday\n\nUntil Monday.\n",
    ],
)
def test_what_names_no_mail_or_comes_from_no_server_is_no_bounce(raw: str) -> None:
    assert read(raw) == Useless(Why.UNSIGNED)


def test_several_mails_in_one_notification_are_all_named_once() -> None:
    other = HEADERS.replace("4f0c2a", "77aa")
    told = read(report("Action: failed\n", "", f"{WHOLE}\n--=_r\n{other}\n--=_r\n{HEADERS}"))
    assert told == Bounce((OURS, "<77aa@bot.example>"), gone=True)


def test_an_officer_who_signs_and_sends_a_notification_on_is_heard() -> None:
    proof = Proof("ab" * 20, now())
    officers = Officers(
        check_pgp=lambda *_: proof,
        read_clear=lambda _: Why.STRANGER,
        open_pgp=lambda _: None,
        check_smime=lambda *_: None,
        open_smime=lambda _: None,
    )
    status = b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n"
    inner = multipart("multipart/mixed", part(f"{TOKEN}\n"), status, canonical(WHOLE.encode()), boundary="i")
    signed = multipart("multipart/signed", inner, b"Content-Type: application/pgp-signature\r\n\r\nmade\r\n")
    assert read(signed, officers) == Reply("ab" * 20, proof.at, (TOKEN,))
