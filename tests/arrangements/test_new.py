"""What is asked and answered becomes an arrangement that loads, explains itself and never takes another's place."""

import datetime as dt
import io
import itertools
import json
import sys

import pytest
import yaml
from jsonschema import Draft202012Validator
from rich.console import Console

from include.__main__ import main
from include.arrangements.asking import COUNTRY, OFFICE, NotAnswered
from include.arrangements.new import new_country, new_office
from include.arrangements.reading import load_offices, load_sources
from include.arrangements.schemas import schemas

TODAY = dt.date(2026, 11, 1)
GIVEN = {"office": "EST-TLL", "name": "UNHCR Estonia, Tallinn", "timezone": "Europe/Tallinn", "consent": "recorded",
         "escalate": "focal.point.est@iom.example"}  # fmt: skip
NEEDED = {
    "pgp": {"fingerprint": "0000 1111 2222 3333 4444  5555 6666 7777 8888 9999"},
    "age": {"recipient": "age12yw4prmf873r80afhk08jnns7kq37cl7htuxakptalfzvqpquprsfqqj8g"},
    "password": {"password_by": "telephone, +372 600 0000: the head"},
    "none": {},
}
COUNTRY_GIVEN = {"host_country": "EST", "timezone": "Europe/Tallinn", "cases_owner": "a@iom.example",
                 "register_owner": "b@police.example", "focal_point": "c@iom.example"}  # fmt: skip


def told(work, *given, **more):
    console = Console(file=io.StringIO(), width=200)
    work(*given, console, **more)
    return console.file.getvalue()


def office(folder, given, asks=False):
    return told(new_office, given, folder, asks=asks, today=TODAY)


def loaded(folder):
    offices, problems = load_offices(folder)
    assert problems == []
    return offices["EST-TLL"][0]


def by_schema(path, name):
    wrong = Draft202012Validator(schemas()[name]).iter_errors(
        json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
    )
    return [error.message for error in wrong]


WAYS = [
    {"via": "sftp", "sftp_seal": one} for one in ("pgp", "age", "password", "none")
] + [
    {"via": "sftp,email", "sftp_seal": one, "email_seal": other, "email_to": "a@unhcr.example, b@unhcr.example"}
    for one, other in itertools.product(("pgp", "none"), ("pgp", "age", "password"))
]  # fmt: skip


@pytest.mark.parametrize("ways", WAYS, ids=lambda ways: "-".join(value for value in ways.values() if "@" not in value))
def test_whatever_is_answered_the_arrangement_loads_and_each_setting_says_why_it_is_there(ways, tmp_path):
    seals = {ways[name] for name in ("sftp_seal", "email_seal") if name in ways}
    needed = {name: value for seal in seals for name, value in NEEDED[seal].items()}
    said = office(tmp_path, GIVEN | ways | needed)
    arrangement = loaded(tmp_path)
    assert [f"{one.via} {one.seal}" for one in arrangement.deliver] == [
        f"{via} {ways[f'{via}_seal']}" for via in ways["via"].split(",")
    ]
    assert arrangement.effective_from == TODAY + dt.timedelta(days=1)
    assert arrangement.host_countries == ("EST",)
    path = tmp_path / "offices" / "EST-TLL.yaml"
    assert by_schema(path, "arrangement.schema.json") == []
    lines = path.read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        plain = line.strip().startswith(("#", "- via")) or line.endswith(":")
        assert plain or above.strip().startswith("#"), line
    # What it needs of Airflow is one connection each, in a form that Airflow takes.
    added = [line.split("connections add ")[1] for line in said.splitlines() if "connections add" in line]
    names = [one.split()[0] for one in added]
    assert len(names) == len(set(names))
    assert ("seal_est_tll" in names) == (seals != {"none"})
    assert all(json.loads(one.split("'", 1)[1].rstrip("'"))["conn_type"] for one in added)
    assert "check --office EST-TLL --connect" in said


def test_a_column_beyond_names_and_dates_has_its_legal_basis(tmp_path):
    via = {"via": "sftp", "sftp_seal": "none"}
    office(
        tmp_path, GIVEN | via | {"column": ["sex=Exchange of letters, annex B: yes", "nationality=Law 7, article 4"]}
    )
    assert [(one.column, one.legal_basis) for one in loaded(tmp_path).list.columns] == [
        ("sex", "Exchange of letters, annex B: yes"),
        ("nationality", "Law 7, article 4"),
    ]
    with pytest.raises(NotAnswered, match=r"--column: .*at least 10"):
        office(tmp_path, GIVEN | via | {"office": "EST-TAR", "column": ["sex"]})


def test_a_wrong_answer_is_told_in_the_models_words_at_once_and_asked_again(tmp_path, monkeypatch):
    said = {
        "--name": "UNHCR Estonia, Tallinn",
        "--timezone": "Tallinn\nEurope/Tallinn",
        "--days": "mon,tus\nmon,thu",
        "--at": "9\n09:30",
        "--column": "sex=Law\nsex=Law 7, article 4\n-",
        "--consent": "\nrequired",
        "--via": "sftp",
        "--fingerprint": "12\n" + NEEDED["pgp"]["fingerprint"],
        "--remind": "-",
        "--escalate": "nobody\nfocal.point.est@iom.example",
    }
    asked = [question.option for question in OFFICE[1:] if not question.option.startswith(("--email", "--contact-e",
             "--contact-p", "--recipient", "--password"))]  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{said.get(option, '')}\n" for option in asked)))
    shown = office(tmp_path, {"office": "EST-TLL"}, asks=True)
    arrangement = loaded(tmp_path)
    assert (arrangement.list.days, f"{arrangement.list.at:%H:%M}") == (("mon", "thu"), "09:30")
    assert (arrangement.timezone, arrangement.consent) == ("Europe/Tallinn", "required")
    assert arrangement.answers.remind == ()
    for told_at_once in (
        "not a timezone; write a name such as Europe/Athens",
        "'tus' is not allowed; allowed: mon, tue",
        "write a time of day in quotes",
        "a fingerprint has 40 hexadecimal digits",
        "pgp is best; none only for a folder",
    ):
        assert told_at_once in shown


def test_without_a_terminal_what_is_missing_is_named_and_nothing_written(tmp_path, capsys):
    assert main(["office", "new", "EST-TLL", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == (
        "not answered: --name, --timezone, --consent, --via, --escalate; give them, or run it in a terminal to be asked\n"
    )
    assert not (tmp_path / "offices").exists()
    with pytest.raises(NotAnswered, match="--email-to has no place"):
        office(tmp_path, GIVEN | {"via": "sftp", "sftp_seal": "none", "email_to": "a@unhcr.example"})


def test_what_is_there_already_is_never_overwritten(tmp_path):
    given = GIVEN | {"via": "sftp", "sftp_seal": "none"}
    office(tmp_path, given)
    before = (tmp_path / "offices" / "EST-TLL.yaml").read_text()
    with pytest.raises(FileExistsError, match="a further version in it"):
        office(tmp_path, given | {"language": "de"})
    assert (tmp_path / "offices" / "EST-TLL.yaml").read_text() == before


def test_a_new_host_country_is_one_file(tmp_path):
    said = told(new_country, COUNTRY_GIVEN, tmp_path, asks=False)
    sources, problems = load_sources(tmp_path)
    assert problems == []
    assert [(one.host_country, one.kind, one.data_owner) for one in sources] == [
        ("EST", "avr_cases", "a@iom.example"),
        ("EST", "asylum_procedure", "b@police.example"),
    ]
    assert by_schema(tmp_path / "sources" / "EST.yaml", "sources.schema.json") == []
    assert said.count("connections add sftp_sources") == 1
    assert "no office is told of EST" in said
    with pytest.raises(NotAnswered, match=r"sources/EST\.yaml line 3, sources\.1: cut_off is not after at"):
        told(new_country, COUNTRY_GIVEN | {"cut_off": "05:00"}, tmp_path, asks=False)


def test_an_office_takes_the_clock_of_its_host_country(tmp_path):
    told(new_country, COUNTRY_GIVEN, tmp_path, asks=False)
    office(tmp_path, {**GIVEN, "timezone": None} | {"via": "sftp", "sftp_seal": "none"})
    assert loaded(tmp_path).timezone == "Europe/Tallinn"


def test_every_question_can_be_answered_by_an_option(capsys):
    for command, questions in (("office", OFFICE), ("country", COUNTRY)):
        with pytest.raises(SystemExit):
            main([command, "new", "--help"])
        shown = capsys.readouterr().out
        assert [question.option for question in questions[1:] if question.option not in shown] == []
