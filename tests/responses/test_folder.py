"""An office's folder on a real SFTP server: what is in it is taken, moved, and explained where it was not understood."""

import datetime as dt

import asyncssh
import pytest

from include.responses.folder import collect_folder
from include.responses.opening import OpeningKeys
from include.responses.reading import LARGEST_FILE
from tests.ledger.world import MORNING
from tests.responses.world import LIST, answers, file, office, open_entries, receipts
from tests.servers import client, sftp

NOON = MORNING + dt.timedelta(hours=5)


@pytest.fixture
def there(tmp_path):
    folder = tmp_path / "office" / "answers"
    folder.mkdir(parents=True)
    return folder


def collect(there, now=NOON, files=None, **arranged):
    with sftp(there.parent, files) as (port, _), client(port) as opened:
        return collect_folder(opened, office(**arranged), OpeningKeys(), now)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_was_read_is_moved_and_taken_once(entry, there):
    (there / "Rückmeldung.csv").write_bytes(file((entry["A"], "yes", "", "")))
    assert [one.outcome for one in collect(there)] == ["read"]
    assert names(there) == ["read/Rückmeldung.csv"]
    assert open_entries() == [entry["A"]]
    assert collect(there) == []


def test_what_was_not_understood_has_a_text_beside_it_in_the_office_s_language(entry, there):
    (there / "a.csv").write_bytes(file((entry["A"], "no", "31/02/2026", ""), ("0000-0000", "yes", "", "")))
    (there / "b.docx").write_bytes(b"PK")
    assert [one.outcome for one in collect(there)] == ["partly", "refused"]
    assert names(there) == ["read/a.csv", "read/a.csv.txt", "refused/b.docx", "refused/b.docx.txt"]
    said = (there / "read" / "a.csv.txt").read_text("utf-8-sig")
    assert f"row 2, {LIST}, {entry['A']}, Record closed on: not a date: write YYYY-MM-DD" in said
    assert f"row 3, {LIST}, 0000-0000: this entry is not on that list" in said
    assert "31/02/2026" not in said
    assert "save it as XLSX or CSV" in (there / "refused" / "b.docx.txt").read_text("utf-8-sig")


def test_a_second_file_of_a_name_does_not_replace_the_first(entry, there):
    for remark in ("first", "second"):
        (there / "list.csv").write_bytes(file((entry["A"], "", "", remark)))
        collect(there)
    assert names(there) == ["read/list-2.csv", "read/list.csv"]
    assert [remark for *_, remark in answers()] == ["first", "second"]


def test_what_a_program_has_open_or_is_writing_is_left_alone(entry, there):
    for name in (".list.csv", "~$list.xlsx", ".~lock.list.csv#", "list.csv.part", "list.csv.filepart", "list.tmp"):
        (there / name).write_bytes(file((entry["A"], "yes", "", "")))
    (there / "old").mkdir()
    assert collect(there) == []
    assert len(names(there)) == 6


def test_a_signature_beside_a_file_is_put_away_with_it(entry, there):
    (there / "list.csv").write_bytes(file((entry["A"], "no", "", "")))
    (there / "list.csv.asc").write_bytes(b"-----BEGIN PGP SIGNATURE-----\n")
    assert [one.outcome for one in collect(there)] == ["read"]
    assert names(there) == ["read/list.csv", "read/list.csv.asc"]


@pytest.mark.fault(
    "an office's answer is only half written when it is looked at",
    happens="it stays, and is read when it is whole; one that stays half keeps its good rows",
    there="the file, until it is taken",
    you="nothing; what was cut off is told to the office",
)
def test_a_half_written_file_stays_until_it_is_whole(entry, there):
    whole = file((entry["A"], "yes", "", "please wait"), (entry["B"], "no", "", "fine"))
    (there / "list.csv").write_bytes(whole[:-12])
    assert collect(there) == []
    assert names(there) == ["list.csv"]
    (there / "list.csv").write_bytes(whole)
    assert [one.outcome for one in collect(there)] == ["read"]
    assert open_entries() == [entry["A"]]


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_look(entry, there):
    path = there / "list.csv"
    path.write_bytes(file((entry["A"], "no", "", "")))

    class Growing(asyncssh.SFTPServer):
        def close(self, handle):
            with path.open("ab") as more:
                more.write(f"{LIST},{entry['B']},yes,,\n".encode())
            return super().close(handle)

    assert collect(there, files=Growing) == []
    assert answers() == []
    assert [one.outcome for one in collect(there)] == ["read"]
    assert open_entries() == [entry["B"]]


@pytest.mark.fault(
    "an office puts a file of 100 MB into its folder",
    happens="it is refused unread",
    there="the file in `refused/`, with a text beside it",
    you="nothing; the office and IOM's focal point are told",
)
def test_a_huge_file_is_refused_unread(entry, there):
    with (there / "huge.xlsx").open("wb") as huge:
        huge.truncate(100 << 20)
    assert LARGEST_FILE < 100 << 20
    begun = []

    class Watched(asyncssh.SFTPServer):
        def read(self, *given):
            begun.append(given)
            return super().read(*given)

    assert [(one.outcome, one.findings[0].code) for one in collect(there, files=Watched)] == [("refused", "too_large")]
    assert begun == []
    assert names(there) == ["refused/huge.xlsx", "refused/huge.xlsx.txt"]


@pytest.mark.fault(
    "the line is cut after an answer was written down and before it was moved",
    happens="it is known by its bytes, and moved at the next look",
    there="the file once",
    you="nothing",
)
def test_an_answer_that_was_taken_and_not_moved_is_not_taken_twice(entry, there):
    (there / "list.csv").write_bytes(file((entry["A"], "yes", "", "")))

    class Cut(asyncssh.SFTPServer):
        def rename(self, *given):
            raise ConnectionResetError

        posix_rename = rename

    with pytest.raises((OSError, EOFError)):
        collect(there, files=Cut)
    assert names(there) == ["list.csv"]
    assert [one.outcome for one in collect(there)] == ["read"]
    assert names(there) == ["read/list.csv"]
    assert (len(answers()), len(open_entries())) == (1, 1)


def test_where_nothing_may_be_moved_it_is_taken_once_all_the_same(entry, there):
    (there / "list.csv").write_bytes(file((entry["A"], "yes", "", "")))

    class ReadOnly(asyncssh.SFTPServer):
        def mkdir(self, *given):
            raise asyncssh.SFTPPermissionDenied("no")

    for _ in range(2):
        assert [one.outcome for one in collect(there, files=ReadOnly)] == ["read"]
    assert names(there) == ["list.csv"]
    assert (len(answers()), len(open_entries())) == (1, 1)


def test_a_receipt_is_a_text_file(entry, there):
    (there / "received.txt").write_text(f"RECEIVED {LIST}\n")
    assert [one.outcome for one in collect(there)] == ["receipt"]
    assert receipts() == {LIST: "receipt"}
