"""Replies in a real mailbox (Dovecot): whose are taken, and where each message goes."""

import datetime as dt
from email.message import EmailMessage

import pytest

from include import connections
from include.ledger import responses
from include.ledger.engine import reading
from include.ledger.models import Response
from include.responses.mailbox import LARGEST_MESSAGE, collect_mailbox, left_over, waiting
from include.responses.opening import OpeningKeys
from tests.delivery.notifications import notification
from tests.imap import counts, put
from tests.ledger.world import MORNING, notices
from tests.responses.conftest import OURS
from tests.responses.world import LIST, answers, file, kept, office, open_entries, receipts, told_list

NOON = MORNING + dt.timedelta(hours=5)
GOOD = f"{OURS}; dmarc=pass header.from=unhcr.example"
OFFICE = "Protection <protection@unhcr.example>"


def reply(*files, text="Dear colleagues,\n\nplease find it attached.\n", who=OFFICE, result=GOOD, html=False, **fields):
    mail = EmailMessage()
    if result:
        mail["Authentication-Results"] = result
    mail["From"], mail["To"], mail["Subject"] = who, "avr@iom.example", f"Re: list {LIST}"
    for name, value in fields.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text, subtype="html" if html else "plain")
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def collect(offices=None):
    offices = offices or {"GRC-ATH": office(sealed="never")}
    return collect_mailbox(
        "imap_test",
        connections.authserv_id("imap_test"),
        offices,
        open_imap=connections.open_imap,
        keys_of=lambda _: OpeningKeys(),
        now=NOON,
    )


def unreported():
    with reading() as session:
        return [
            (one.office, one.outcome, [found["code"] for found in one.findings])
            for one in responses.unreported(session)
        ]


def test_a_reply_with_the_list_is_taken(entry, inbox):
    put(inbox, reply(("list.csv", file((entry["A"], "yes", "", "")))))
    assert [one.concerns for one in collect().outcomes] == [1]
    assert counts(inbox) == {"Handled": 1}
    assert open_entries() == [entry["A"]]


def test_several_files_in_one_reply_are_each_taken_and_pictures_are_not(entry, inbox):
    files = [file((entry["A"], "yes", "", "")), file((entry["B"], "no", "", ""))]
    mail = reply(("a.csv", files[0]), ("b.csv", files[1]), ("smime.p7s", b"x"))
    mail = mail.replace(b'filename="b.csv"', b'filename="=?utf-8?b?YsOkLmNzdg==?="')
    put(inbox, mail)
    collect()
    assert [entry for entry, *_ in answers()] == [entry["A"], entry["B"]]
    assert counts(inbox) == {"Handled": 1}


@pytest.mark.fault(
    "somebody writes to the mailbox in an office's name, or whom nobody knows",
    happens="nothing of it is taken",
    there="the message in the mailbox's folder Quarantine, unopened",
    you="IOM's focal points are mailed; ask the office by telephone",
)
@pytest.mark.parametrize(
    ("who", "result", "code"),
    [
        (OFFICE, "", "not_vouched"),
        (OFFICE, f"{OURS}; dmarc=fail header.from=unhcr.example", "not_vouched"),
        (OFFICE, "mx.evil.example; dmarc=pass header.from=unhcr.example", "not_vouched"),
        (OFFICE, f"{OURS}; dkim=pass header.d=evil.example", "not_vouched"),
        ("Protection <protection@unhcr.example.evil.example>", GOOD, "stranger"),
        ('"protection@unhcr.example" <x@evil.example>', f"{OURS}; dmarc=pass header.from=evil.example", "stranger"),
        (f"{OFFICE}, x@evil.example", GOOD, "stranger"),
    ],
)
def test_from_anybody_else_nothing_is_taken(entry, inbox, who, result, code):
    put(inbox, reply(("list.csv", file((entry["A"], "yes", "", ""))), who=who, result=result))
    assert collect().quarantined == 1
    assert counts(inbox) == {"Quarantine": 1}
    assert (answers(), open_entries(), receipts()) == ([], [], {})
    assert unreported() == [("", "stranger", [code])]


def test_an_office_can_answer_for_no_other(entry, inbox):
    others = told_list("GRC-THE", notices("D"))
    put(inbox, reply(("list.csv", file((others["D"], "yes", "", ""), number="GRC-THE_2026-0001"))))
    collect()
    assert (answers(), open_entries()) == ([], [])
    assert ("GRC-ATH", "refused", ["unknown_list"]) in unreported()


def test_one_address_of_two_offices_answers_for_each_by_the_file_s_name(entry, inbox):
    others = told_list("GRC-THE", notices("D"))
    content = file((others["D"], "yes", "", ""), number="GRC-THE_2026-0001")
    put(inbox, reply(("GRC-THE_2026-0001_scheduled.csv", content)))
    collect({code: office(code, sealed="never") for code in ("GRC-ATH", "GRC-THE")})
    assert open_entries() == [others["D"]]


@pytest.mark.parametrize("html", [False, True])
def test_one_line_is_a_receipt_above_what_a_program_quotes(entry, inbox, html):
    quoted = (
        "<p>RECEIVED {0}</p><div>From: avr@iom.example</div>" if html else "RECEIVED {0}\n\nOn Monday IOM wrote:\n> x"
    )
    put(inbox, reply(text=quoted.format(LIST), html=html))
    collect()
    assert receipts() == {LIST: "receipt"}
    assert counts(inbox) == {"Handled": 1}


def test_a_line_that_only_the_quoted_list_has_is_no_receipt(entry, inbox):
    put(inbox, reply(text=f"We cannot open it.\n\nOn Monday IOM wrote:\n> RECEIVED {LIST}\n"))
    assert collect().for_a_person == 1
    assert receipts() == {}
    assert counts(inbox) == {"For-a-person": 1}
    assert unreported() == [("GRC-ATH", "letter", [])]


def test_words_about_an_entry_beside_the_file_reach_a_person(entry, inbox):
    text = f"Please look at {entry['B']}:\nshe told us that she was pressed.\n"
    put(inbox, reply(("list.csv", file((entry["A"], "no", "", ""))), text=text))
    collect()
    assert [one for one, *_ in answers()] == [entry["A"]]
    assert counts(inbox) == {"For-a-person": 1}
    assert unreported() == [("GRC-ATH", "letter", [])]


@pytest.mark.parametrize(
    "fields", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "auto_reply"}, {"X_Autoreply": "yes"}]
)
def test_that_somebody_is_on_leave_is_no_answer(entry, inbox, fields):
    put(inbox, reply(text=f"RECEIVED {LIST}", **fields))
    collect()
    assert (receipts(), unreported()) == ({}, [])
    assert counts(inbox) == {"Handled": 1}


def test_a_file_that_cannot_be_read_waits_for_a_person_and_is_told(entry, inbox):
    put(inbox, reply(("list.xlsm", b"PK")), reply(("list.csv", file((entry["A"], "no", "nonsense", "")))))
    collect()
    assert counts(inbox) == {"For-a-person": 1, "Handled": 1}
    assert [one[1:] for one in unreported()] == [
        ("refused", ["wrong_kind"]),
        ("letter", []),
        ("partly", ["not_a_date"]),
    ]


@pytest.mark.fault(
    "an office attaches a file of 100 MB",
    happens="the message is not fetched",
    there="the message in the mailbox's folder For-a-person",
    you="the office and IOM's focal point are told",
)
def test_a_huge_message_is_not_fetched(entry, inbox, monkeypatch):
    monkeypatch.setattr("include.responses.mailbox.LARGEST_MESSAGE", 100_000)
    assert LARGEST_MESSAGE < 100 << 20
    put(inbox, reply(("list.csv", b"x" * 200_000)), reply(("list.csv", file((entry["A"], "no", "", "")))))
    collect()
    assert counts(inbox) == {"For-a-person": 1, "Handled": 1}
    assert unreported() == [("GRC-ATH", "refused", ["too_large"])]
    assert [one for one, *_ in answers()] == [entry["A"]]


def test_nonsense_holds_up_nothing(entry, inbox):
    cut = reply(("list.csv", file((entry["A"], "yes", "", ""))))
    put(inbox, b"\x00\xff\r\n\r\n", b"From: \r\n\r\n", cut[:-80], reply(("list.csv", file((entry["B"], "no", "", "")))))
    collect()
    assert counts(inbox)["Handled"] >= 1
    assert "INBOX" not in counts(inbox)
    assert (entry["B"], False, None, "") in answers()


def test_the_same_mailbox_has_what_could_not_be_delivered(entry, inbox):
    put(inbox, notification("postfix", "<1@iom.example>", ["protection@unhcr.example"]), reply(text=f"RECEIVED {LIST}"))
    collect()
    assert counts(inbox) == {"For-a-person": 1, "Handled": 1}
    assert unreported() == [("", "stranger", ["bounce"])]


def test_what_waits_is_seen_without_being_touched(entry, inbox):
    put(inbox, reply(text="x"), reply(text="y"))
    with connections.open_imap("imap_test") as imap:
        assert len(waiting(imap)) == 2
        assert left_over(imap) == {}
    assert counts(inbox) == {"INBOX": 2}
    collect()
    with connections.open_imap("imap_test") as imap:
        assert (waiting(imap), left_over(imap)) == ([], {"For-a-person": 2})


@pytest.mark.fault(
    "killed after an answer was written down and before its message was moved",
    happens="the message is read again and changes nothing",
    there="the message once",
    you="nothing",
)
def test_a_message_that_was_taken_and_not_moved_is_not_taken_twice(entry, inbox, monkeypatch):
    put(inbox, reply(("list.csv", file((entry["A"], "yes", "", "")))))

    class Killed(BaseException):
        pass

    def die(*given):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("include.responses.mailbox._move", die)
        with pytest.raises(Killed):
            collect()
    assert (counts(inbox), len(answers())) == ({"INBOX": 1}, 1)
    collect()
    assert (counts(inbox), len(answers()), len(kept(Response))) == ({"Handled": 1}, 1, 1)
