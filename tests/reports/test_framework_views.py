"""Views as they are numbered, sealed and stored; above all that Afghanistan's does not show who applied for asylum.

Pairs of worlds are lived through on ledgers of their own and compared: every byte before sealing, every length after,
every name, number and order, and whether there is anything at all.
"""

import csv
import datetime as dt
import io
import random
import re

import pyrage
import pytest
import yaml
from sqlalchemy import event, select

from include.arrangements.framework import PARTIES, AddressedParty, Framework
from include.arrangements.framework_days import due_views
from include.casework.partition import decide_partition
from include.delivery.keys import SealingKey, SealRefused
from include.delivery.openpgp import make_key
from include.delivery.unsealing import unseal
from include.extracts.partition import take_in
from include.ledger import papers, retention
from include.ledger.engine import engine, reading, writing
from include.ledger.intake import Partition
from include.ledger.models import Base, Case, Paper, PaperCase, PaperDelivery, PaperFile
from include.matching.partition import link_partition
from include.reports.framework.compose import NoCases, NothingToSend, cases_are_in, make_view, view_due
from include.sample.world import World
from include.settings import ROOT
from tests.signing import CERTIFICATE, SIGNING

EXAMPLE = (ROOT / "include" / "arrangements" / "frameworks" / "afg" / "GRC.yaml").read_text(encoding="utf-8")
DAYS = [dt.date(2026, 11, day) for day in (2, 3)]
PASSWORD = "correct-horse-battery"
OPENPGP = make_key("Kabul (tests)")
IDENTITY = pyrage.x25519.Identity.generate()
OPENS = {
    "none": {},
    "pgp": {"fingerprint": OPENPGP[2]},
    "password": {"password_by": "telephone, the head of reception"},
    "age": {"recipient": str(IDENTITY.to_public())},
}
ASYLUM_CELLS = (None, "true", "false", "maybe", "DBA 12/26", "x" * 300, "a\tb", "asylum_seeker;minor", "Asylum seeker!")


def agreed(seal="none", **more) -> Framework:
    """The example, sealed for Afghanistan with `seal` and for the others with nothing. more: by setting, or by party"""
    written = yaml.safe_load(EXAMPLE)
    for party in PARTIES:
        how = seal if party == "origin" else "none"
        channel = {"via": "sftp", "connection": "a", "folder": f"/{party}", "seal": how} | OPENS[how]
        written["parties"][party] |= {"deliver": [channel]} | more.pop(party, {})
    return Framework.model_validate(written | more)


AGREED = agreed()


def keys_of(agreement: Framework, party: str) -> dict[str, SealingKey]:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    key = SealingKey(OPENPGP[0], PASSWORD, today, str(IDENTITY.to_public()), SIGNING)
    return {channel.key: key for channel in agreement.party(party).deliver}


def due_on(day: dt.date, agreement: Framework = AGREED):
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return next(due_views([agreement], start, start + dt.timedelta(days=1)))


def make(party: str, day: dt.date, agreement: Framework = AGREED) -> str:
    return make_view(agreement, party, due_on(day, agreement), keys_of(agreement, party), dt.datetime.now(dt.UTC))


def as_csv(rows: list[dict]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def take(kind: str, day: dt.date, rows: list[dict]) -> None:
    name = f"{kind}_GRC_{day:%Y%m%d}.csv"
    take_in(
        Partition("GRC", day),
        kind,
        io.BytesIO(as_csv(rows)),
        file_name=name,
        manifest=None,
        may_lose=None,
        now=dt.datetime.now(dt.UTC),
    )


def reconcile(day: dt.date) -> None:
    link_partition(f"GRC|{day}")
    decide_partition(f"GRC|{day}", dt.datetime.now(dt.UTC))


def rows_of(world: World, kind: str, day: dt.date) -> list[dict]:
    return world.extract("GRC", kind, day).astype(object).where(lambda table: table.notna(), None).to_dict("records")


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=20030116, hosts=["GRC"], first_day=DAYS[0], cases=60, register=400)


def sent(series: str = "AFG-GRC/origin") -> list[tuple]:
    """Everything that a party may see of a series: states, names, order, lengths, bytes."""
    with reading() as session:
        found = session.execute(
            select(
                Paper.number_text,
                Paper.state,
                PaperDelivery.channel,
                PaperFile.position,
                PaperFile.name,
                PaperFile.content,
            )
            .join(PaperDelivery, PaperDelivery.paper_id == Paper.id)
            .join(PaperFile, PaperFile.delivery_id == PaperDelivery.id)
            .where(Paper.series == series)
            .order_by(Paper.id, PaperFile.position)
        ).all()
    return [tuple(row) for row in found]


def plain(rows: list[tuple]) -> list[tuple]:
    """What is sealed with nothing: all of it but the signatures, which are new each time."""
    return [row for row in rows if not row[4].endswith(".asc")]


def people(content: bytes) -> str:
    return content.decode("utf-8-sig")


def with_other_asylum_data(rows: list[dict], seed: int) -> list[dict]:
    """The same cases, whose every cell that has to do with asylum is another one, mistakes among them."""
    dice = random.Random(seed)
    columns = ("asylum_reference", "unhcr_reference", "sharing_consent", "vulnerabilities")
    return [row | {column: dice.choice(ASYLUM_CELLS) for column in columns} for row in rows]


def live(world: World, seed: int, agreement: Framework, *, registers: str, twist: bool) -> list[tuple]:
    """Two days of a world; returns what Afghanistan is sent.

    registers: `none` come, they are `late`, or `reconciled` before the view, and lists with them
    """
    for number, day in enumerate(DAYS):
        cases = rows_of(world, "avr_cases", day)
        take("avr_cases", day, with_other_asylum_data(cases, seed + number) if twist else cases)
        register = rows_of(world, "asylum_procedure", day)
        if registers == "reconciled":
            take("asylum_procedure", day, register)
            reconcile(day)
            for party in ("unhcr", "iom", "host"):
                make(party, day, agreement)
        make("origin", day, agreement)
        if registers == "late":
            take("asylum_procedure", day, random.Random(seed).sample(register, len(register) // 2))
            make("host", day, agreement)
        if twist:
            # A corrected file of the same day, that differs in asylum data alone, and a second run of everything.
            take("avr_cases", day, with_other_asylum_data(cases, seed + 7))
            make("origin", day, agreement)
    return sent()


@pytest.mark.parametrize(("form", "registers"), [("csv", "reconciled"), ("xlsx", "late"), ("pdf", "none")])
def test_two_worlds_that_differ_in_asylum_data_alone_send_afghanistan_the_same_bytes(
    new_ledger, world, form, registers
):
    shared = [
        {"column": column, "legal_basis": "Article 6 of the agreement"}
        for column in ("name_original_script", "date_of_birth", "sex", "destination_place")
    ]
    agreement = agreed(origin={"format": form, "columns": shared})
    found = []
    for seed, of_this_world in ((0, "none"), (1, registers)):
        new_ledger()
        found.append(plain(live(world, seed, agreement, registers=of_this_world, twist=bool(seed))))
    assert len(found[0]) >= 2 * len(DAYS)
    assert found[0] == found[1]
    assert len({row[0] for row in found[0]}) == len(DAYS)
    if form == "csv":
        assert [people(row[5]).count("\r\n") for row in found[0] if row[4].endswith(".csv")][0] > 5


@pytest.mark.parametrize("seal", ["pgp", "password", "age"])
def test_after_sealing_names_numbers_order_and_lengths_are_the_same_too(new_ledger, world, seal):
    agreement = agreed(seal)
    found = []
    for seed in (0, 1):
        new_ledger()
        found.append(live(world, seed, agreement, registers="none", twist=bool(seed)))
    assert [row[:5] for row in found[0]] == [row[:5] for row in found[1]]
    assert len(found[0]) >= 2 * len(DAYS)
    for one, other in zip(*found, strict=True):
        opened = [_opened(row, rows) for row, rows in ((one, found[0]), (other, found[1]))]
        assert opened[0] == opened[1]
        # By chance alone: an OpenPGP signature is a few bytes shorter now and then, age pads its head with noise.
        by_chance = {"pgp": 8, "password": 0, "age": 600}[seal] if not one[4].endswith(".asc") else 8
        assert abs(len(one[5]) - len(other[5])) <= by_chance, one[4]
        if seal == "age" and one[4].endswith(".age"):
            bodies = [len(row[5]) - row[5].index(b"\n--- ") for row in (one, other)]
            assert bodies[0] == bodies[1]


def _opened(row: tuple, rows: list[tuple]) -> bytes | None:
    if row[4].endswith(".asc"):
        return None
    signature = next((other[5] for other in rows if other[4] == f"{row[4]}.asc"), None)
    _, content = unseal(
        row[5],
        row[4],
        certificate=CERTIFICATE,
        signature=signature,
        secret_key=OPENPGP[1] if row[4].endswith(".pgp") else None,
        password=PASSWORD if row[4].endswith(".zip") else None,
        age_identity=str(IDENTITY) if row[4].endswith(".age") else None,
    )
    return content


def test_making_afghanistans_view_reads_the_cases_extract_and_its_own_papers_alone(ledger, world):
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    take("asylum_procedure", DAYS[0], rows_of(world, "asylum_procedure", DAYS[0]))
    reconcile(DAYS[0])
    said: list[tuple[str, object]] = []
    opened = engine(ledger)

    def listen(connection, cursor, statement, parameters, context, many):
        said.append((statement, parameters))

    event.listen(opened, "before_cursor_execute", listen)
    try:
        view_due([AGREED], due_on(DAYS[0]).moment)
        make("origin", DAYS[0])
        make("origin", DAYS[1])
    finally:
        event.remove(opened, "before_cursor_execute", listen)
    known = set(Base.metadata.tables)
    touched = {word for statement, _ in said for word in re.findall(r"[a-z_]+", statement)} & known
    of_papers = {"paper", "paper_series", "paper_case", "paper_delivery", "paper_file"}
    assert touched == {"extract", "erasure", "erasure_order"} | of_papers
    kinds = {value for statement, given in said if " extract" in statement for value in _values(given)}
    assert "avr_cases" in kinds
    assert "asylum_procedure" not in kinds
    others = {value for value in kinds if isinstance(value, str) and "/" in value}
    assert not others - {"AFG-GRC/origin"}


def _values(given) -> list[object]:
    return list(given.values()) if isinstance(given, dict) else list(given)


def test_a_view_is_made_before_any_case_was_ever_reconciled(ledger, world):
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    assert [make(party, DAYS[0]) for party in PARTIES] == [
        "AFG-GRC_2026-O01", "AFG-GRC_2026-H01", "AFG-GRC_2026-U01", "AFG-GRC_2026-I01",
    ]  # fmt: skip
    with reading() as session:
        named = session.scalars(select(PaperCase.case_id).join(Paper).where(Paper.series == "AFG-GRC/origin")).all()
    assert len(named) > 5


@pytest.mark.parametrize("party", ["origin", "host", "unhcr"])
def test_who_objects_leaves_no_trace_in_any_view_but_ioms(new_ledger, world, party):
    day, found = DAYS[0], []
    cases = rows_of(world, "avr_cases", day)
    objecting = [row for row in cases if row["nationality"] == "AFG" and row["origin_objection"] == "true"]
    assert {row["status"] for row in objecting} >= {"booked"}
    gone = dict(cases[0]) | objecting[0] | {"case_id": "GONE", "status": "departed", "departed_on": "2026-10-20"}
    without = [row for row in cases if row not in objecting]
    for rows in (without, [gone, *cases], [*reversed(cases), gone]):
        new_ledger()
        take("avr_cases", day, rows)
        make(party, day)
        make("iom", day)
        found.append((plain(sent(f"AFG-GRC/{party}")), sent("AFG-GRC/iom")))
    assert found[0][0] == found[1][0] == found[2][0]
    assert found[0][1] != found[1][1]
    seen = "".join(people(row[5]) for row in found[1][1] if row[4].endswith(".csv"))
    assert seen.count("objects to being named") >= 1


def test_who_is_the_only_one_and_objects_leaves_a_view_of_nobody(new_ledger, world):
    found = []
    for rows in (1, 0):
        new_ledger()
        row = rows_of(world, "avr_cases", DAYS[0])[0]
        booked = {
            "nationality": "AFG",
            "destination_country": "AFG",
            "status": "booked",
            "expected_departure_on": "2026-11-05",
        }
        other = row | {"case_id": "SOMEBODY", "nationality": "SYR"}
        take("avr_cases", DAYS[0], [other, row | booked | {"case_id": "X", "origin_objection": "true"}][: rows + 1])
        make("origin", DAYS[0])
        found.append(plain(sent()))
    assert found[0] == found[1]


def test_who_objects_later_is_not_on_the_next_view_like_anybody_whose_date_has_moved(new_ledger, world):
    found = []
    for change in ({"origin_objection": "true"}, {"expected_departure_on": "2027-01-20"}, {"status": "withdrawn"}):
        new_ledger()
        rows = rows_of(world, "avr_cases", DAYS[0])
        take("avr_cases", DAYS[0], rows)
        make("origin", DAYS[0])
        (position, *_) = [
            number for number, row in enumerate(rows)
            if (row["nationality"], row["destination_country"], row["status"]) == ("AFG", "AFG", "booked")
            and row["expected_departure_on"] == "2026-11-13" and row["origin_objection"] != "true"
        ]  # fmt: skip
        take("avr_cases", DAYS[1], [*rows[:position], rows[position] | change, *rows[position + 1 :]])
        make("origin", DAYS[1])
        found.append(plain(sent()))
    assert found[0] == found[1] == found[2]


def test_who_asked_to_be_erased_is_on_no_further_view_though_an_office_must_hear_of_it_first(ledger, world):
    for day in DAYS:
        take("avr_cases", day, rows_of(world, "avr_cases", day))
    take("asylum_procedure", DAYS[0], rows_of(world, "asylum_procedure", DAYS[0]))
    reconcile(DAYS[0])

    def named(number: str) -> set[str]:
        with reading() as session:
            of = (
                select(PaperCase.case_id).join(Paper, Paper.id == PaperCase.paper_id).where(Paper.number_text == number)
            )
            return set(session.scalars(of))

    before = named(make("host", DAYS[1]))
    with writing() as session:
        known = set(session.scalars(select(Case.case_id)))
        gone = sorted(before & known)[0]
        retention.order(session, "GRC", gone, by="a clerk", reason="a letter", now=dt.datetime.now(dt.UTC))
    assert named(make("origin", DAYS[1])) == before - {gone}


def test_afghanistan_and_the_host_country_are_told_of_the_same_people(ledger, world):
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    for party in ("origin", "host"):
        make(party, DAYS[0])
    with reading() as session:
        named = {
            party: set(session.scalars(select(PaperCase.case_id).join(Paper).where(Paper.series == f"AFG-GRC/{party}")))
            for party in ("origin", "host")
        }
    assert named["origin"] == named["host"] != set()


def test_no_view_but_ioms_holds_a_reference_and_unhcrs_names_nobody(ledger, world):
    rows = rows_of(world, "avr_cases", DAYS[0])
    take("avr_cases", DAYS[0], rows)
    agreement = agreed(**{party: {"format": "csv"} for party in PARTIES})
    secret = {
        row[column] for row in rows for column in ("case_id", "asylum_reference", "unhcr_reference") if row[column]
    }
    names = {row["family_name"] for row in rows if row["family_name"] and len(row["family_name"]) > 4}
    for party in ("origin", "host", "unhcr"):
        make(party, DAYS[0], agreement)
        text = "".join(people(row[5]) for row in plain(sent(f"AFG-GRC/{party}")))
        assert not {value for value in secret if value in text}
        assert bool({name for name in names if name.upper() in text}) == (party != "unhcr")


def test_where_no_agreement_is_in_force_nothing_is_made_and_it_is_said(ledger, world):
    for versions, day in (
        ([agreed(until="2026-11-01")], DAYS[0]),
        ([agreed(effective_from="2026-11-03")], DAYS[0]),
    ):
        with pytest.raises(NothingToSend, match=r"no agreement on Afghans from GRC is in force on 2026-11-02"):
            view_due(versions, due_on(day).moment)
    agreement, due = view_due([agreed(effective_from="2026-11-02", until="2026-11-02")], due_on(DAYS[0]).moment)
    assert (agreement.until, due.first, due.last) == (DAYS[0], DAYS[0], DAYS[0] + dt.timedelta(days=14))


def test_a_run_that_somebody_starts_out_of_turn_sends_nothing(ledger):
    with pytest.raises(NothingToSend, match="no view is due"):
        view_due([AGREED], due_on(DAYS[0]).moment + dt.timedelta(minutes=1))


def test_a_view_whose_successors_cases_are_in_is_not_made_any_more(ledger, world):
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    view_due([AGREED], due_on(DAYS[0]).moment)
    take("avr_cases", DAYS[1], rows_of(world, "avr_cases", DAYS[1]))
    with pytest.raises(NothingToSend, match="overtaken"):
        view_due([AGREED], due_on(DAYS[0]).moment)


def test_cases_of_days_long_gone_make_no_view(ledger, world):
    assert not cases_are_in("GRC", DAYS[0])
    with pytest.raises(NoCases):
        make("origin", DAYS[0])
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    assert cases_are_in("GRC", DAYS[0])
    make("origin", dt.date(2026, 11, 5))
    with pytest.raises(NoCases):
        make("origin", dt.date(2026, 11, 9))


def test_a_view_that_nobody_has_is_given_up_for_the_next_and_one_that_arrived_is_not(ledger, world):
    for day in DAYS:
        take("avr_cases", day, rows_of(world, "avr_cases", day))
    first = make("origin", DAYS[0])
    assert make("origin", DAYS[0]) == first
    second = make("origin", DAYS[1])
    assert [(row[0], row[1]) for row in sent() if row[3] == 0] == [(first, "void"), (second, "sealed")]
    with writing() as session:
        delivery, _, _ = papers.next_delivery(session, "AFG-GRC/origin", AGREED.party("origin").deliver[0].key)
        papers.record_delivered(session, delivery.id, {}, dt.datetime.now(dt.UTC))
    make("origin", dt.date(2026, 11, 5))
    assert [row[1] for row in sent() if row[3] == 0] == ["void", "told", "sealed"]


def test_what_cannot_be_sealed_is_neither_numbered_nor_stored(ledger, world):
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    agreement = agreed("pgp")
    other = make_key("somebody else")[0]
    keys = {key: SealingKey(other, None, None, None, SIGNING) for key in keys_of(agreement, "origin")}
    with pytest.raises(SealRefused):
        make_view(agreement, "origin", due_on(DAYS[0]), keys, dt.datetime.now(dt.UTC))
    assert sent() == []
    assert make("origin", DAYS[0], agreement) == "AFG-GRC_2026-O01"


def test_each_party_has_its_languages_files_the_first_language_last(ledger, world):
    take("avr_cases", DAYS[0], rows_of(world, "avr_cases", DAYS[0]))
    make("origin", DAYS[0])
    assert [row[4] for row in plain(sent())] == ["AFG-GRC_2026-O01_ps.pdf", "AFG-GRC_2026-O01_prs.pdf"]
    assert AddressedParty(AGREED, "origin").code == "AFG-GRC-origin"
