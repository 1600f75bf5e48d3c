"""From an office's file to the ledger: what is kept, what is refused, and what a concern does."""

import datetime as dt
import io
import shutil
import stat
import subprocess

import msoffcrypto.format.ooxml
import openpyxl
import pyrage
import pytest
import pyzipper
from pysequoia import Cert, encrypt
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from include.delivery.openpgp import make_key
from include.demo.keys import make_age_identity
from include.ledger import outbox, recipients, responses
from include.ledger.engine import reading, writing
from include.ledger.models import Answer, Concern, Delivery, List, Response, Told
from include.responses.opening import OpeningKeys, open_answer
from include.responses.taking import SETTLES_IN, take_file, take_line
from tests.ledger.world import MORNING, notices
from tests.responses.filling import saved
from tests.responses.world import LIST, answers, booked, file, kept, office, open_entries, receipts, told_list

NOON = MORNING + dt.timedelta(hours=5)
CLOSED = dt.date(2026, 11, 1)
NO_KEYS = OpeningKeys()


def take(content, name="list.csv", via="sftp", keys=NO_KEYS, now=NOON, **arranged):
    return take_file(office(**arranged), content, name, via, keys, now)


def codes(outcome):
    return [finding.code for finding in outcome.findings]


def test_an_answer_is_kept_and_the_list_counts_as_received(entry):
    content = file((entry["A"], "yes", "", "asked for us"), (entry["B"], "no", "", ""), (entry["C"], "", CLOSED, ""))
    taken = take(content)
    assert (taken.outcome, taken.findings, taken.concerns) == ("read", (), 1)
    assert answers() == [
        (entry["A"], True, None, "asked for us"),
        (entry["B"], False, None, ""),
        (entry["C"], None, CLOSED, ""),
    ]
    assert open_entries() == [entry["A"]]
    assert receipts() == {LIST: "answer"}


def test_a_list_sent_back_empty_is_a_receipt_and_no_answer(entry):
    assert take(file(*[(one, "", "", "") for one in entry.values()])).outcome == "read"
    assert answers() == []
    assert receipts() == {LIST: "answer"}


def test_the_same_file_twice_is_one(entry):
    content = file((entry["A"], "yes", "", ""))
    first, second = take(content), take(content, now=NOON + dt.timedelta(days=1))
    assert (first.outcome, first.concerns, second.outcome, second.concerns) == ("read", 1, "read", 0)
    assert (len(kept(Response)), len(kept(Answer)), len(kept(Concern))) == (1, 1, 1)


def test_the_same_answer_in_another_file_is_one(entry):
    take(file((entry["A"], "yes", "", ""), (entry["B"], "", CLOSED, "")))
    take(file((entry["A"], "yes", "", ""), (entry["B"], "", CLOSED, ""), (entry["C"], "no", "", "")))
    assert (len(kept(Answer)), len(kept(Concern))) == (3, 1)


def test_a_later_blank_or_no_takes_no_concern_back(entry):
    take(file((entry["A"], "yes", "", "")))
    take(file((entry["A"], "", "", "")))
    take(file((entry["A"], "no", "", "")))
    assert open_entries() == [entry["A"]]
    assert [one.concern for one in kept(Answer)] == [True, False]


def close(entry, by="R. Officer", note="spoke to the person"):
    with writing() as session:
        responses.close_concern(session, entry, by, note, NOON)


def test_a_concern_is_closed_by_a_person_with_a_note_and_by_nothing_else(entry):
    take(file((entry["A"], "yes", "", "")))
    for by, note in (("", "a note"), ("somebody", "  ")):
        with pytest.raises(responses.NotClosable, match="say who closes it"):
            close(entry["A"], by, note)
    close(entry["A"].lower())
    (concern,) = kept(Concern)
    assert (concern.closed_by, concern.note, concern.closed_at) == ("R. Officer", "spoke to the person", NOON)
    with pytest.raises(responses.NotClosable, match="no concern stands"):
        close(entry["A"])


def test_a_closed_concern_comes_again_only_with_something_new(entry):
    take(file((entry["A"], "yes", "", "pressed by a relative")))
    close(entry["A"])
    take(file((entry["A"], "yes", "", "pressed by a relative"), (entry["B"], "no", "", "")))
    take(file((entry["A"], "yes", CLOSED, "pressed by a relative")))
    assert open_entries() == [], "the old file, filled further, says it still"
    take(file((entry["A"], "yes", "", "has called us again")))
    assert open_entries() == [entry["A"]]


def test_after_no_a_yes_is_a_concern_anew(entry):
    for said in ("yes", "no"):
        take(file((entry["A"], said, "", "")))
    close(entry["A"])
    take(file((entry["A"], "yes", "", ""), (entry["C"], "", "", "")))
    assert open_entries() == [entry["A"]]


def test_what_this_office_was_never_sent_is_refused_and_the_rest_kept(entry):
    others = told_list("GRC-THE", notices("D"))
    content = file((entry["A"], "no", "", ""), (others["D"], "yes", "", ""), ("0000-0000", "yes", "", ""))
    taken = take(content)
    assert taken.outcome == "partly"
    assert [(one.code, one.entry) for one in taken.findings] == [
        ("unknown_entry", others["D"]),
        ("unknown_entry", "0000-0000"),
    ]
    assert answers() == [(entry["A"], False, None, "")]
    assert open_entries() == []


@pytest.mark.parametrize("number", ["GRC-THE_2026-0001", "GRC-ATH_2026-0099", "GRC-ATH_1999-0001"])
def test_a_list_of_another_office_or_of_none_is_refused(entry, number):
    others = told_list("GRC-THE", notices("D"))
    taken = take(file((others["D"], "yes", "", ""), (entry["A"], "yes", "", ""), number=number))
    assert (taken.outcome, codes(taken)) == ("refused", ["unknown_list"])
    assert (answers(), receipts()) == ([], {})


def test_rows_of_several_lists_in_one_file_each_go_to_theirs(entry):
    later = told_list(table=notices("D"))
    content = file((entry["A"], "no", "", "")) + file((later["D"], "no", "", ""), number="GRC-ATH_2026-0002")
    take(b"\n".join(line for number, line in enumerate(content.splitlines()) if number in (0, 1, 3)) + b"\n")
    assert receipts() == {LIST: "answer", "GRC-ATH_2026-0002": "answer"}


def test_bad_cells_refuse_themselves_alone(entry):
    taken = take(file((entry["A"], "perhaps", "12/11/2026", "x"), (entry["B"], "no", "2099-01-01", "")))
    assert (taken.outcome, codes(taken)) == ("partly", ["not_yes_no", "not_a_date", "future_date"])
    assert answers() == [(entry["A"], True, None, "x"), (entry["B"], False, None, "")]
    assert open_entries() == [entry["A"]]


def test_an_answer_to_a_voided_list_is_kept_and_said(ledger):
    booked()
    entry = told_list(state="sealed")
    with writing() as session:
        outbox.void_list(session, LIST, "test", NOON)
    taken = take(file((entry["A"], "yes", "", "")))
    assert (taken.outcome, codes(taken), open_entries()) == ("read", ["void_list"], [entry["A"]])


def test_an_answer_ends_the_doubt_whether_a_mail_arrived(ledger):
    booked()
    entry = told_list(state="sealed")
    with writing() as session:
        outbox.record_attempt(session, session.scalars(select(Delivery)).one().id, NOON)
    take(file((entry["A"], "no", "", "")))
    assert [one.state for one in kept(List)] == ["told"]
    assert len(kept(Told)) == 3


def test_a_half_written_file_is_waited_for_and_read_when_it_is_whole(entry):
    whole = file((entry["A"], "no", "", "fine"), (entry["B"], "yes", "", "please wait"))
    half = whole[: whole.index(b"please")].rsplit(b",", 2)[0]
    assert take(half).outcome == "unsettled"
    assert take(half, now=NOON + SETTLES_IN / 2).outcome == "unsettled"
    assert answers() == []
    assert take(whole, now=NOON + SETTLES_IN).outcome == "read"
    assert open_entries() == [entry["B"]]


def test_one_that_stays_half_keeps_its_good_rows(entry):
    whole = file((entry["A"], "no", "", "fine"), (entry["B"], "yes", "", "please wait"))
    half = whole[: whole.index(b"please")].rsplit(b",", 2)[0]
    take(half)
    taken = take(half, now=NOON + SETTLES_IN)
    assert (taken.outcome, codes(taken)) == ("partly", ["cut_off"])
    assert (entry["A"], False, None, "fine") in answers()


def test_one_that_stays_unreadable_is_refused_once_and_kept(entry, tmp_path):
    assert take(b"damaged", "list.xlsx").outcome == "unsettled"
    taken = take(b"damaged", "list.xlsx", now=NOON + SETTLES_IN)
    assert (taken.outcome, codes(taken)) == ("refused", ["not_readable"])
    with reading() as session:
        assert [one.outcome for one in responses.unreported(session)] == ["refused"]
    (copy,) = (tmp_path / "data" / "answers" / "GRC-ATH").iterdir()
    assert copy.read_bytes() == b"damaged"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_what_is_damaged_in_a_mail_is_refused_at_once(entry):
    assert take(b"damaged", "list.xlsx", "email").outcome == "refused"


PASSWORD = "an office's password"


def sealed_in(how, content):
    """The file as the office seals it, its name, and what opens it here."""
    if how == "zip":
        packed = io.BytesIO()
        with pyzipper.AESZipFile(packed, "w", encryption=pyzipper.WZ_AES) as zipped:
            zipped.setpassword(PASSWORD.encode())
            zipped.writestr("list.csv", content)
        return packed.getvalue(), "list.zip", OpeningKeys(passwords=("a newer one", PASSWORD))
    if how == "age":
        identity, recipient = make_age_identity()
        sealed = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(recipient)])
        return sealed, "list.csv.age", OpeningKeys(age_identity=identity)
    certificate, secret, _ = make_key("IOM")
    sealed = encrypt(content, [Cert.from_bytes(certificate.encode())], armor=how == "armoured")
    return bytes(sealed), "list.asc" if how == "armoured" else "list.csv.pgp", OpeningKeys(secret_key=secret)


@pytest.mark.parametrize("how", ["zip", "age", "pgp", "armoured"])
def test_a_sealed_answer_opens_by_mail_and_with_no_other_key(entry, how):
    content, name, keys = sealed_in(how, file((entry["A"], "yes", "", "")))
    refused = take(content + b"\n", name, "email")
    assert (refused.outcome, codes(refused)) == ("refused", ["cannot_open"])
    taken = take(content, name, "email", keys)
    assert (taken.outcome, taken.findings) == ("read", ())
    assert open_entries() == [entry["A"]]


def test_a_workbook_with_the_office_s_password_opens(entry):

    book = openpyxl.Workbook()
    book.active.append(["list_number", "entry", "voluntariness_concern", "record_closed_on", "remarks"])
    book.active.append([LIST, entry["A"], "yes", None, None])
    sealed = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(saved(book))).encrypt(PASSWORD, sealed)
    keys = OpeningKeys(passwords=("another", PASSWORD))
    assert take(sealed.getvalue(), "list.xlsx", "email", keys).outcome == "read"
    assert open_entries() == [entry["A"]]


@pytest.mark.parametrize(
    ("sealed", "via", "said"),
    [("email", "email", True), ("email", "sftp", False), ("always", "sftp", True), ("never", "email", False)],
)
def test_an_unsealed_answer_where_one_is_demanded_is_read_and_told(entry, sealed, via, said):
    taken = take(file((entry["A"], "yes", "", "")), via=via, sealed=sealed)
    assert (taken.outcome, codes(taken)) == ("read", ["not_sealed"] if said else [])
    assert open_entries() == [entry["A"]], "a concern reaches a person however it came"


@pytest.mark.parametrize(
    "text",
    [f"RECEIVED {LIST}", f"\r\n  received: {LIST.lower()}.\r\n\r\nKind regards", f"RECEIVED {LIST}\nRECEIVED {LIST}"],
)
def test_one_line_says_that_a_list_is_there(entry, text):
    assert take_line(["GRC-THE", "GRC-ATH"], text, NOON)
    assert receipts() == {LIST: "receipt"}


@pytest.mark.parametrize(
    "text",
    ["", "thank you", f"I have not RECEIVED {LIST}", f"Dear all,\nRECEIVED {LIST}", "RECEIVED GRC-ATH_2026-0009"],
)
def test_any_other_line_says_nothing(entry, text):
    assert not take_line(["GRC-ATH"], text, NOON)
    assert receipts() == {}


def test_an_office_says_nothing_of_another_s_list(entry):
    assert not take_line(["GRC-THE"], f"RECEIVED {LIST}", NOON)
    assert receipts() == {}


def test_a_receipt_may_be_a_text_file_in_the_folder(entry):
    assert take(f"RECEIVED {LIST}".encode("utf-8-sig"), "anything.txt").outcome == "receipt"
    assert receipts() == {LIST: "receipt"}


def test_the_code_of_a_test_message_opens_its_address(ledger):
    with writing() as session:
        recipients.begin_test(session, "GRC-ATH", "sftp:a", "0" * 64, "7K3M-9QXT", MORNING)
    assert not take_line(["GRC-THE"], "7K3M-9QXT", NOON)
    assert take_line(["GRC-ATH"], "7k3m-9qxt\n", NOON)
    assert [one.confirmed_at for one in kept(recipients.Recipient)] == [NOON]


def test_the_database_itself_refuses_an_answer_about_what_is_not_on_the_list(entry):
    others = told_list("GRC-THE", notices("D"))
    with writing() as session:
        response = responses.record_response(session, "GRC-ATH", "sftp", "0" * 64, "read", [], NOON)
        lists = responses.lists_of(session, "GRC-ATH", [LIST])
        said = [responses.Said(LIST, others["D"], True, None, "")]
        with pytest.raises(IntegrityError):
            responses.take(session, response, said, lists)
        session.rollback()


@pytest.mark.skipif(shutil.which("gpg") is None, reason="apt-get install gnupg")
def test_what_gnupg_seals_and_signs_as_it_does_by_default_opens(tmp_path):
    certificate, secret, fingerprint = make_key("IOM")
    _, office_secret, office_fingerprint = make_key("UNHCR Athens")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)

    def gpg(*arguments, given):
        command = ["gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always", *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout

    gpg("--import", given=certificate.encode())
    gpg("--import", given=office_secret.encode())
    content = file(("7K3M-9QXT", "yes", "", "")) * 50  # long enough to be packed
    try:
        sealed = gpg("--encrypt", "--sign", "-u", office_fingerprint, "-r", fingerprint, given=content)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    assert open_answer(sealed, "list.csv.gpg", OpeningKeys(secret_key=secret)) == (content, "list.csv", True)
