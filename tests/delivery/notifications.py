"""Delivery status notifications as Postfix, Exim and Exchange write them. Invented hosts and mailboxes."""

from collections.abc import Sequence

POSTFIX = """\
Return-Path: <>
Date: Mon,  2 Nov 2026 13:02:41 +0200 (EET)
From: MAILER-DAEMON@mx.iom.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: avr@iom.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F2A91C0DE.1793617361/mx.iom.example"
Content-Transfer-Encoding: 8bit
Message-Id: <20261102110241.5B1C24F2AA@mx.iom.example>

This is a MIME-encapsulated message.

--4F2A91C0DE.1793617361/mx.iom.example
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

This is the mail system at host mx.iom.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

--4F2A91C0DE.1793617361/mx.iom.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.iom.example
X-Postfix-Queue-ID: 4F2A91C0DE
X-Postfix-Sender: rfc822; avr@iom.example
Arrival-Date: Mon,  2 Nov 2026 09:00:07 +0200 (EET)
{blocks}
--4F2A91C0DE.1793617361/mx.iom.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 8bit

Return-Path: <avr@iom.example>
Received: from worker.iom.example (unknown [192.0.2.7])
\tby mx.iom.example (Postfix) with ESMTPSA id 4F2A91C0DE;
\tMon,  2 Nov 2026 09:00:07 +0200 (EET)
From: avr@iom.example
To: protection@unhcr.example
Subject: Notification list
Message-ID: {message_id}

--4F2A91C0DE.1793617361/mx.iom.example--
"""
_POSTFIX_BLOCK = """
Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.unhcr.example
Diagnostic-Code: smtp; 550 5.1.1 <{address}>: Recipient address rejected: User
    unknown in virtual mailbox table
"""

EXIM = """\
Return-path: <>
Received: from Debian-exim by relay.iom.example with local (Exim 4.96)
\tid 1vFoo1-0004cD-2b
\tfor avr@iom.example;
\tMon, 02 Nov 2026 11:02:41 +0000
X-Failed-Recipients: {first}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@relay.iom.example>
To: avr@iom.example
References: {message_id}
Content-Type: multipart/report; report-type=delivery-status; boundary=1793617361-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1vFoo1-0004cD-2b@relay.iom.example>
Date: Mon, 02 Nov 2026 11:02:41 +0000

--1793617361-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error.

--1793617361-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; relay.iom.example
{blocks}
--1793617361-eximdsn-1804289383
Content-type: message/rfc822

Return-path: <avr@iom.example>
Received: from [192.0.2.7] (helo=worker.iom.example)
\tby relay.iom.example with esmtpsa (TLS1.3) id 1vFmoo-0004b1-1Z;
\tMon, 02 Nov 2026 07:00:07 +0000
From: avr@iom.example
To: protection@unhcr.example
Subject: Notification list
Message-ID: {message_id}
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="===============7330845974216740156=="

--===============7330845974216740156==
Content-Type: text/plain; charset="utf-8"

A list is attached.

--===============7330845974216740156==--

--1793617361-eximdsn-1804289383--
"""
_EXIM_BLOCK = """
Action: {action}
Final-Recipient: rfc822;{address}
Status: {status}
Remote-MTA: dns; mail.unhcr.example
Diagnostic-Code: smtp; 550 5.1.1 no such mailbox here
"""

EXCHANGE = """\
From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@unhcr.example>
To: <avr@iom.example>
Date: Mon, 2 Nov 2026 11:02:41 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="6ac4c19b-0e11-4d0e-a7f8-9a3a1f1fbb0d"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Message-ID: <5a3c0c4e-7f1e-4c8b-8d6a-6f2a0e2b9d11@DB9PR01MB7321.eurprd01.prod.exchange.example>
In-Reply-To: {message_id}
References: {message_id}
Subject: Undeliverable: Notification list
Auto-Submitted: auto-replied
MIME-Version: 1.0

--6ac4c19b-0e11-4d0e-a7f8-9a3a1f1fbb0d
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="d6b0a3a5-7d5f-4a43-9d0b-7e1a2f2c5b11"

--d6b0a3a5-7d5f-4a43-9d0b-7e1a2f2c5b11
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message wasn't delivered. The address you entered couldn't be found=
, or doesn't receive mail.

--d6b0a3a5-7d5f-4a43-9d0b-7e1a2f2c5b11
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: base64

PGh0bWw+PGJvZHk+WW91ciBtZXNzYWdlIHdhc24ndCBkZWxpdmVyZWQuPC9ib2R5PjwvaHRtbD4=

--d6b0a3a5-7d5f-4a43-9d0b-7e1a2f2c5b11--

--6ac4c19b-0e11-4d0e-a7f8-9a3a1f1fbb0d
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR01MB7321.eurprd01.prod.exchange.example
Received-From-MTA: dns;mx.iom.example
Arrival-Date: Mon, 2 Nov 2026 07:00:09 +0000
{blocks}
--6ac4c19b-0e11-4d0e-a7f8-9a3a1f1fbb0d
Content-Type: message/rfc822

Received: from mx.iom.example (192.0.2.9) by DB9PR01MB7321.eurprd01.prod.exchange.example
 (2001:db8::7) with Microsoft SMTP Server id 15.20.9999.17; Mon, 2 Nov 2026 07:00:09 +0000
From: <avr@iom.example>
To: <protection@unhcr.example>
Subject: Notification list
Date: Mon, 2 Nov 2026 07:00:07 +0000
Message-ID:
\t{message_id}
MIME-Version: 1.0
Content-Type: text/plain

--6ac4c19b-0e11-4d0e-a7f8-9a3a1f1fbb0d--
"""
_EXCHANGE_BLOCK = """
Original-Recipient: rfc822;{address}
Final-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: {address}
"""

_FORMS = {
    "postfix": (POSTFIX, _POSTFIX_BLOCK),
    "exim": (EXIM, _EXIM_BLOCK),
    "exchange": (EXCHANGE, _EXCHANGE_BLOCK),
}
SERVERS = tuple(_FORMS)


def notification(
    server: str, message_id: str, recipients: Sequence[str], action: str = "failed", status: str = "5.1.1"
) -> bytes:
    """What `server` (one of SERVERS) writes when it could not deliver the message to these recipients."""
    form, block = _FORMS[server]
    blocks = "".join(block.format(address=address, action=action, status=status) for address in recipients)
    filled = form.format(message_id=message_id, first=recipients[0], blocks=blocks)
    return filled.replace("\n", "\r\n").encode()
