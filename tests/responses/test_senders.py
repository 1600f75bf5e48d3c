"""Whom a message is believed to be from: what IOM's own mail server says, on top, and nothing else."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from include.responses.senders import sender, vouched

OURS = "mx.iom.example"


def mail(*results, who="Protection <Protection.Athens@unhcr.example>"):
    fields = [f"Authentication-Results: {result}" for result in results]
    text = "\r\n".join([*fields, f"From: {who}", "Subject: Re: list", "", "text"])
    return email.message_from_string(text, EmailMessage, policy=email.policy.default)


@pytest.mark.parametrize(
    "result",
    [
        f"{OURS}; dmarc=pass header.from=unhcr.example",
        f"{OURS}; dmarc=pass (p=reject dis=none) header.from=UNHCR.example",
        f'{OURS} 1; dkim=pass (2048-bit key) header.d=unhcr.example header.s=a header.b="x+/y"; spf=fail smtp.mailfrom=x',
        f"{OURS}; spf=pass smtp.mailfrom=bounces@mail.unhcr.example; dkim=pass header.d=unhcr.example",
        f"{OURS};\r\n\tspf=pass (sender (nested) allowed) smtp.mailfrom=protection.athens@unhcr.example",
        "MX.iom.example; dkim=fail header.d=unhcr.example; dmarc=pass header.from=unhcr.example",
    ],
)
def test_what_our_server_found_good_is_believed(result):
    assert vouched(mail(result), OURS)


@pytest.mark.parametrize(
    "result",
    [
        f"{OURS}; none",
        f"{OURS}",
        "",
        f"{OURS}; dmarc=fail header.from=unhcr.example",
        f"{OURS}; dkim=pass header.d=elsewhere.example",
        f"{OURS}; dkim=pass header.d=example",
        f"{OURS}; dkim=pass header.d=notunhcr.example",
        f"{OURS}; dkim=pass",
        f"{OURS}; spf=pass smtp.helo=unhcr.example",
        f"{OURS}; auth=pass smtp.auth=protection.athens@unhcr.example",
        f"{OURS}; spf=softfail smtp.mailfrom=unhcr.example (dkim=pass header.d=unhcr.example)",
        f'{OURS}; dkim=fail reason="x; dkim=pass header.d=unhcr.example"',
        "mx.evil.example; dmarc=pass header.from=unhcr.example",
        f"mx.evil.example (; {OURS}; dmarc=pass header.from=unhcr.example",
        f"{OURS}.evil.example; dmarc=pass header.from=unhcr.example",
    ],
)
def test_what_it_did_not_is_not(result):
    assert not vouched(mail(result), OURS)


def test_what_a_sender_has_put_below_in_our_server_s_name_counts_for_nothing():
    forged = f"{OURS}; dmarc=pass header.from=unhcr.example"
    assert not vouched(mail(f"{OURS}; dmarc=fail header.from=unhcr.example", forged), OURS)
    assert vouched(mail("mx.elsewhere.example; dmarc=fail", forged), OURS), "another server's word is no word"


def test_without_a_name_of_our_server_nobody_is_believed():
    assert not vouched(mail("; dmarc=pass header.from=unhcr.example"), "")
    assert not vouched(mail(f"{OURS}; dmarc=pass header.from=unhcr.example"), "")


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("Protection <Protection.Athens@unhcr.example>", "protection.athens@unhcr.example"),
        ('"protection.athens@unhcr.example" <x@evil.example>', "x@evil.example"),
        ("a@unhcr.example, b@evil.example", None),
        ("nobody", None),
        ("", None),
    ],
)
def test_a_sender_is_the_one_address_not_the_name_beside_it(who, address):
    assert sender(mail(who=who)) == address


def test_a_message_with_two_senders_fields_is_from_nobody():
    text = "From: a@unhcr.example\r\nFrom: b@evil.example\r\n\r\ntext"
    assert sender(email.message_from_string(text, EmailMessage, policy=email.policy.default)) is None
