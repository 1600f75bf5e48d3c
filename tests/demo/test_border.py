"""What IOM's border mail server says of a message: true, forged and foreign, through the demo's own mail server."""

import email
import email.policy
import smtplib
import ssl

import pytest

from include.demo.border import stamped
from include.responses.senders import vouched
from tests.demo.running import newest_mail

ATHENS, AGADEZ = "protection.athens@unhcr.example", "agadez@unhcr.example"
PASS = "mx.iom.example; dmarc=pass header.from=unhcr.example"
FAIL = "mx.iom.example; dmarc=fail header.from=unhcr.example"


def came(setting, login, *headers, to="avr-notifications@iom.example"):
    """The message as IOM's mailbox has it, after this login handed it over."""
    password = setting.secrets[login].mail_password
    with smtplib.SMTP("localhost", setting.mail_port) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=setting.authority))
        smtp.login(login, password)
        smtp.sendmail("whoever@unhcr.example", [to], "\r\n".join([*headers, "", "a body\r\n"]).encode())
    return newest_mail()


def said(mail) -> list[str]:
    return [str(value) for value in mail.get_all("Authentication-Results")]


@pytest.mark.parametrize(
    ("login", "written_from", "verdict"),
    [
        ("GRC-ATH", ATHENS, PASS),
        ("GRC-ATH", f"Protection <{ATHENS.title()}>", PASS),
        ("GRC-ATH", AGADEZ, FAIL),
        ("NER-AGZ", ATHENS, FAIL),
        ("DEU-BER", ATHENS, FAIL),
        (
            "GRC-ATH",
            f'"{ATHENS}" <someone@elsewhere.example>',
            "mx.iom.example; dmarc=fail header.from=elsewhere.example",
        ),
        ("GRC-ATH", f"{ATHENS}, {AGADEZ}", "mx.iom.example; dmarc=fail"),
        ("GRC-ATH", "nobody", "mx.iom.example; dmarc=fail"),
    ],
)
def test_a_message_passes_only_from_an_address_of_the_office_that_logged_in(setting, login, written_from, verdict):
    mail = came(setting, login, f"From: {written_from}")
    assert said(mail) == [verdict]
    assert vouched(mail, "mx.iom.example") == (verdict == PASS), "who reads the mailbox believes it then, and only then"


def test_two_senders_in_two_headers_are_none(setting):
    assert said(came(setting, "GRC-ATH", f"From: {ATHENS}", f"From: {AGADEZ}")) == ["mx.iom.example; dmarc=fail"]


@pytest.mark.parametrize(
    "forged",
    [
        f"Authentication-Results: {PASS}",
        f"authentication-results:\r\n\t{PASS}",
        f"AUTHENTICATION-RESULTS : {PASS}",
        "Authentication-Results: (mine) MX.IOM.example 1; dmarc=pass",
        'Authentication-Results: "mx.iom.example"; dmarc=pass',
        "Authentication-Results: =?utf-8?q?mx=2Eiom=2Eexample?=; dmarc=pass",
        f"X-Before: a\rAuthentication-Results: {PASS}",
        f"Authentication-Results: {PASS}\r\nAuthentication-Results: {PASS}",
    ],
)
def test_what_is_forged_in_the_border_servers_name_is_taken_out(forged):
    content = f"Received: by x\r\n{forged}\r\nFrom: {AGADEZ}\r\nSubject: y\r\n\r\nbody: {PASS}\r\n".encode()
    mail = email.message_from_bytes(stamped(content, [ATHENS]), policy=email.policy.default)
    assert said(mail) == [FAIL]
    assert mail.keys()[0] == "Authentication-Results"
    assert (mail["Received"], mail["From"], mail["Subject"]) == ("by x", AGADEZ, "y")
    assert mail.get_content() == f"body: {PASS}\r\n"


def test_what_another_server_said_stays_below(setting):
    foreign = "mx.unhcr.example; dmarc=fail"
    mail = came(setting, "GRC-ATH", f"Authentication-Results: {foreign}", f"From: {ATHENS}")
    assert said(mail) == [PASS, foreign]


def test_nothing_else_of_a_message_changes():
    content = b"From: a@b.example\r\nX: \xff\x00\r\n folded\r\n\r\n\r\n\x00\xfe\nbody\r"
    assert stamped(content, []).split(b"\r\n", 1)[1] == content
    for broken in (b"", b"\r\n", b"no header at all", b"\r\nbody", b" begins folded"):
        assert stamped(broken, []) == b"Authentication-Results: mx.iom.example; dmarc=fail\r\n" + broken


def test_what_is_for_another_address_becomes_a_file_and_is_not_stamped(setting):
    before = said(came(setting, "GRC-ATH", f"From: {ATHENS}"))
    came(setting, "GRC-ATH", f"From: {ATHENS}", to="focal.point.athens@iom.example")
    (file,) = (setting.mail / "focal.point.athens@iom.example").glob("*.eml")
    assert b"Authentication-Results" not in file.read_bytes()
    assert before == [PASS]
