"""An office at its desk, driven without a terminal, against the demo's own servers."""

import json
import os
import select
import subprocess
import sys

import pytest

from include.__main__ import main
from include.demo.desk import Desk
from include.demo.setting import load, save
from include.lists.opening import open_list
from include.settings import ROOT
from tests.demo.running import arrangement_of, newest_mail, send
from tests.demo.test_answering import opened_by_iom
from tests.lists.sample import sample

CANCELLED = [("P2WD-04JN", "CANCELLED", "stays", "الحسن, محمد عبد الرحمن", "2026-11-24", None, None, "")]


@pytest.fixture
def athens(setting):
    """GRC-ATH's arrangement, with folder and mailbox as if nothing had come yet."""
    office = arrangement_of(setting, "GRC-ATH")
    folders = [setting.offices / "GRC-ATH" / "lists", setting.offices / "GRC-ATH" / "answers"]
    for path in [*folders, setting.mail / "protection.athens@unhcr.example"]:
        for file in [one for one in path.rglob("*") if one.is_file()]:
            file.unlink()
    return office


def play(setting, *arguments):
    return main(["office", "play", "GRC-ATH", "--folder", str(setting.folder), "--once", *arguments])


def answers(setting, pattern="*"):
    folder = setting.offices / "GRC-ATH" / "answers"
    return [path for path in folder.glob(pattern) if path.is_file()]


def test_an_office_sees_its_lists_eighty_columns_wide(setting, athens, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    send(setting, athens, sample(number=1))
    assert play(setting) == 0
    shown = capsys.readouterr().out
    assert "GRC-ATH_2026-0001 came by sftp" in shown
    assert "Kind: scheduled. Entries: NEW 3, CHANGED 2, CANCELLED 2, DEPARTED 1" in shown
    for text in ("7K3M-9QXT", "GHEBREMESKEL", "KVARATSKHELIA, Nino", "2026-12-04", "was 11-19", "told late"):
        assert text in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_script_answers_by_email_and_by_folder(setting, athens, capsys):
    send(setting, athens, sample(number=1))
    send(setting, athens, sample(number=2, rows=CANCELLED))
    said = [
        "--answer",
        "7k3m-9qxt",
        "concern=yes",
        "remarks=asks to talk",
        "--answer",
        "GRC-ATH_2026-0001:8",
        "closed=2026-11-12",
    ]
    assert play(setting, *said, "--door", "email") == 0
    (attached,) = newest_mail().iter_attachments()
    assert play(setting, *said, "--door", "folder") == 0
    (put,) = answers(setting)
    for name, content in ((attached.get_filename(), attached.get_payload(decode=True)), (put.name, put.read_bytes())):
        plain_name, plain = opened_by_iom(setting, name, content)
        answered = open_list(plain, plain_name)
        assert answered.list_number == "GRC-ATH_2026-0001"
        entries = answered.entries.set_index("entry")
        assert list(entries.loc["7K3M-9QXT"])[-3:] == ["yes", "", "asks to talk"]
        assert list(entries.loc["9VHF-X2B7"])[-3:] == ["", "2026-11-12", ""]
    assert "2 entries answered by email" in capsys.readouterr().out


def test_the_newest_list_with_an_entry_is_the_one_that_is_answered(setting, athens):
    send(setting, athens, sample(number=1))
    send(setting, athens, sample(number=2, rows=CANCELLED))
    assert play(setting, "--answer", "P2WD-04JN", "closed=2026-11-13", "--door", "folder") == 0
    assert [path.name[:17] for path in answers(setting)] == ["GRC-ATH_2026-0002"]


def test_a_script_says_only_that_a_list_is_there(setting, athens):
    send(setting, athens, sample(number=1))
    assert play(setting, "--receipt", "GRC-ATH_2026-0001", "--door", "email") == 0
    assert newest_mail().get_content().splitlines() == ["RECEIVED GRC-ATH_2026-0001"]
    assert answers(setting) == []


@pytest.mark.parametrize(
    "said",
    [
        ["--answer", "GRC-ATH_2026-0001:9", "concern=yes"],
        ["--answer", "7K3M-9QXT", "concern=perhaps"],
        ["--answer", "7K3M-9QXT", "closed=soon"],
        ["--answer", "7K3M-9QXT", "other=1"],
        ["--answer", "7K3M-9QXT"],
    ],
)
def test_what_cannot_be_said_is_one_sentence_and_sends_nothing(setting, athens, capsys, said):
    send(setting, athens, sample(number=1))
    assert play(setting, *said, "--door", "folder") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert answers(setting) == []


def test_a_person_is_asked_again_until_what_they_say_is_understood(setting, athens):
    send(setting, athens, sample(number=1))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "include", "office", "play", "GRC-ATH", "--folder", str(setting.folder)]
    terminal = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    office = subprocess.Popen(command, cwd=ROOT, env=terminal, stdin=theirs, stdout=theirs, stderr=theirs)
    shown = b""
    try:
        for question, said in [
            ("Answer which line?", "99"),
            ("no such line", ""),
            ("Answer which line?", "7k3m-9qxt"),
            ("A concern", "perhaps"),
            ("not understood", ""),
            ("A concern", "yes"),
            ("Record closed on", "tomorrow"),
            ("not understood", ""),
            ("Record closed on", "2026-11-12"),
            ("Remarks", "asks to talk"),
            ("Answer which line?", "\n"),
            ("older?", "f"),
            ("1 entry answered into /answers", ""),
        ]:
            while question.encode() not in shown:
                assert select.select([ours], [], [], 20)[0], shown.decode()
                shown += os.read(ours, 4096)
            shown = shown.partition(question.encode())[2]
            if said:
                os.write(ours, f"{said.strip()}\n".encode())
    finally:
        office.terminate()
        office.wait(10)
        os.close(ours)
        os.close(theirs)
    (put,) = answers(setting)
    plain_name, plain = opened_by_iom(setting, put.name, put.read_bytes())
    (said,) = [row for row in open_list(plain, plain_name).entries.to_dict("records") if row["remarks"]]
    assert (said["entry"], said["voluntariness_concern"], said["record_closed_on"]) == (
        "7K3M-9QXT",
        "yes",
        "2026-11-12",
    )


def test_without_a_demo_or_such_an_office_it_says_so(setting, tmp_path, capsys):
    assert main(["office", "play", "GRC-ATH", "--folder", str(tmp_path), "--once"]) == 1
    assert "no demo runs" in capsys.readouterr().err
    assert main(["office", "play", "XXX-YYY", "--folder", str(setting.folder), "--once"]) == 1
    assert "it has DEU-BER, GRC-ATH" in capsys.readouterr().err


def test_a_list_is_not_there_before_its_last_file(setting, athens):
    csv_by_sftp = athens.model_copy(
        update={"deliver": athens.deliver[:1], "list": athens.list.model_copy(update={"format": "csv"})}
    )
    send(setting, csv_by_sftp, sample(form="csv", number=3))
    (list_itself,) = (setting.offices / "GRC-ATH" / "lists").glob("*.csv.pgp")
    half = list_itself.rename(list_itself.with_name(f".{list_itself.name}.part"))
    desk = Desk(setting.seen_by("GRC-ATH"), csv_by_sftp)
    assert desk.new_lists() == []
    half.rename(list_itself)
    assert desk.new_lists() == ["GRC-ATH_2026-0003"]


def test_a_list_that_came_by_two_channels_is_one_and_is_told_once(setting, athens):
    desk = Desk(setting.seen_by("GRC-ATH"), athens)
    assert desk.new_lists() == []
    send(setting, athens, sample(number=1))
    assert desk.new_lists() == ["GRC-ATH_2026-0001"]
    assert set(desk.open_doors("GRC-ATH_2026-0001")) == {"folder", "email"}
    assert desk.new_lists() == []


def test_the_desk_sees_what_comes_back_once(setting, athens):
    desk = Desk(setting.seen_by("GRC-ATH"), athens)
    assert list(desk.came_back()) == []
    folder = setting.offices / "GRC-ATH" / "answers"
    for place, name, text in (
        ("read", "one.xlsx.pgp", ""),
        ("read", "partly.csv.age", ""),
        ("read", "partly.csv.age.txt", "row 3: that is no date."),
        ("refused", "two.xlsx.pgp", ""),
        ("refused", "two.xlsx.pgp.txt", "It is of no list of yours.\n"),
        ("refused", "three.txt", "RECIEVED"),
        ("refused", "three.txt.txt", "Its line is not understood."),
    ):
        (folder / place).mkdir(exist_ok=True)
        (folder / place / name).write_text(text)
    send(setting, athens, sample(number=1))
    box = setting.mail / "protection.athens@unhcr.example"
    (box / "9999.eml").write_text(
        "Message-ID: <r@iom.example>\nSubject: Please answer [it]\n\nThree days have passed.\n"
    )
    assert list(desk.came_back()) == [
        ("[green]✓[/green] IOM has read your answer", "one.xlsx.pgp"),
        ("[green]✓[/green] IOM has read your answer", "partly.csv.age\nrow 3: that is no date."),
        ("[red]✗[/red] IOM could not read your answer", "three.txt\nIts line is not understood."),
        ("[red]✗[/red] IOM could not read your answer", "two.xlsx.pgp\nIt is of no list of yours."),
        ("[cyan]✉[/cyan] a mail came: [bold]Please answer \\[it][/bold]", "Three days have passed."),
    ]
    assert list(desk.came_back()) == []


def test_the_setting_is_kept_whole_and_for_its_owner_alone(setting):
    assert load(setting.folder) == setting
    assert save(setting).stat().st_mode & 0o777 == 0o600


def test_an_office_has_no_key_of_another_and_none_of_ioms(setting):
    seen = str(vars(setting.seen_by("GRC-ATH")))
    others = [secrets for office, secrets in setting.secrets.items() if office != "GRC-ATH"]
    ioms = [json.loads(setting.environment[f"AIRFLOW_CONN_{name}"]) for name in ("SIGN_LISTS", "IMAP_AVR", "SMTP_AVR")]
    hidden = {value for secrets in others for value in vars(secrets).values()}
    hidden |= {
        ioms[0]["extra"]["secret_key"],
        ioms[0]["extra"]["age_identity"],
        ioms[1]["password"],
        ioms[2]["password"],
    }
    assert setting.secrets["GRC-ATH"].password in seen
    assert [value for value in hidden if value in seen or repr(value)[1:-1] in seen] == []
