"""A day linked with what is kept of the day before gives the file that a first sight gives. Every name is invented."""

import csv
import datetime as dt
import os
import random
import shutil
import subprocess
import sys

import duckdb
import pandas as pd
import pytest

from include.matching import cache, candidates, decision, levels
from include.matching.linkage import link, link_files
from include.sample.world import World

DAY = dt.date(2026, 11, 2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world = World(seed=78, hosts=["TUR"], first_day=DAY, cases=150, register=1500)
    return [world.write_extract(folder, "TUR", kind, DAY).file for kind in ("avr_cases", "asylum_procedure")]


@pytest.fixture
def day(world, tmp_path):
    """Links the rows it is given, as a function of the day's cases and register; returns the bytes of the matches."""

    def linked(cases=None, register=None, *, fresh=False, write=None):
        paths = []
        for name, rows, given in zip(("cases", "register"), (cases, register), world, strict=True):
            path = tmp_path / f"{name}.csv"
            (write or write_rows)(path, read_rows(given) if rows is None else rows)
            paths.append(path)
        if fresh:
            shutil.rmtree(tmp_path / "data", ignore_errors=True)
        link_files(*paths, tmp_path / "out.csv")
        return (tmp_path / "out.csv").read_bytes()

    return linked


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write_rows(path, rows, **how):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, **how).writerows(rows)


def kept_file(data_folder):
    (file,) = (data_folder / "cache" / "linking").glob("*.duckdb")
    return file


def known_rows(data_folder):
    with duckdb.connect(str(kept_file(data_folder)), read_only=True) as connection:
        return connection.execute("SELECT count(*) FROM register").fetchall()[0][0]


def changed(rows, seed):
    """A register a day later: rows changed, gone, new, twice and in another order."""
    chance = random.Random(seed)
    header, *rows = rows
    family, given, born, reference = (
        header.index(name) for name in ("family_name", "given_names", "date_of_birth", header[0])
    )
    rows = [list(row) for row in rows if chance.random() > 0.05]
    for row in chance.sample(rows, len(rows) // 10):
        other = chance.choice(rows)
        for column in (family, given, born, header.index("sex"), header.index("nationality")):
            if chance.random() < 0.5:
                row[column] = other[column]
    for at, row in enumerate(chance.sample(rows, len(rows) // 20)):
        rows.append(list(row))
        if at % 2:
            rows[-1][reference] += f"/{seed}"
    chance.shuffle(rows)
    return [header, *rows]


def test_days_of_rows_that_change_go_come_twice_and_move_are_linked_as_at_first_sight(day, world, tmp_path):
    cases, register = map(read_rows, world)
    days = []
    for seed in range(4):
        days.append((cases, register))
        cases, register = changed(cases, seed) if seed else cases, changed(register, seed)
    warm = [day(*some) for some in days]
    assert len(set(warm)) == len(warm)
    assert warm == [day(*some, fresh=True) for some in days]


def test_what_was_seen_before_is_not_found_again(day, world, data_folder, monkeypatch):
    day()
    seen = []
    block_keys = levels.block_keys

    def looked_at(word: str) -> str:
        seen.append(word)
        return block_keys(word)

    monkeypatch.setattr(levels, "block_keys", looked_at)
    compared = []
    monkeypatch.setattr(levels, "likeness", lambda *names: compared.append(names) or 0.0)
    objections, objection = [], decision.objection
    monkeypatch.setattr(decision, "objection", lambda *pair: objections.append(pair) or objection(*pair))
    register = read_rows(world[1])
    register.append([*register[1]])
    register[-1][register[0].index("family_name")] = "Xylophonopoulos"
    register[-1][0] = "NEW-000001"
    day(register=register)
    assert seen == ["Xylophonopoulos"]
    assert len(compared) < 20
    assert len(objections) < 20
    assert known_rows(data_folder) == len(register) - 1


@pytest.mark.parametrize("how", ["cut", "empty", "garbage", "header", "blocks", "folder of it"])
def test_a_damaged_file_is_made_anew_and_never_believed(day, data_folder, how):
    right = day(fresh=True)
    file = kept_file(data_folder)
    content = bytearray(file.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "empty":
        content = bytearray()
    elif how == "garbage":
        content = bytearray(os.urandom(len(content)))
    elif how == "header":
        content[:64] = bytes(64)
    elif how == "blocks":
        for at in range(20_000, len(content), 50_000):
            content[at] ^= 0xFF
    file.unlink()
    file.mkdir() if how == "folder of it" else file.write_bytes(content)
    assert day() == right
    if how != "folder of it":
        assert known_rows(data_folder) > 1000
        assert day() == right


def test_what_fails_while_it_is_read_is_made_anew_and_the_day_linked_all_the_same(day, data_folder, monkeypatch):
    right = day()
    pair_up, failed = candidates.pair_up, []

    def fails_once(connection):
        if not failed:
            failed.append(True)
            raise duckdb.IOException("the disk does not answer")
        pair_up(connection)

    monkeypatch.setattr(candidates, "pair_up", fails_once)
    assert day() == right
    assert failed
    with duckdb.connect(str(kept_file(data_folder)), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM taken_in").fetchall() == [(1,)]


def test_a_cell_may_have_any_name_of_ours(day, world):
    register = read_rows(world[1])
    named = [[*row, *("row", "content", "cells", "line", "key")] for row in register]
    right = day(register=register)
    assert day(register=named) == right
    named[5][-1] = 'a "quote"'
    assert day(register=named) == right


KILLED = """
import os, sys
from pathlib import Path
from include.matching import cache
from include.matching.linkage import link_files

def killed(connection):
    before, after = cache._KEEP_ROWS.split(sys.argv[1], 1)
    connection.execute(before + sys.argv[1])
    os._exit(9)

cache.keep_rows = killed
link_files(*map(Path, sys.argv[2:]))
"""


@pytest.mark.parametrize("after", ["INSERT INTO kept.register_part FROM fresh_part;", "COMMIT;"])
def test_a_run_that_is_killed_while_it_writes_leaves_a_day_whole_or_not_at_all(day, world, tmp_path, after):
    day()
    register = changed(read_rows(world[1]), 5)
    write_rows(tmp_path / "next.csv", register)
    command = [sys.executable, "-c", KILLED, after, str(world[0]), str(tmp_path / "next.csv"), str(tmp_path / "o.csv")]
    assert subprocess.run(command).returncode == 9
    warm = day(register=register)
    assert warm == day(register=register, fresh=True)


def test_another_version_keeps_another_file_and_what_an_older_one_kept_goes(day, data_folder, monkeypatch):
    day()
    first = kept_file(data_folder)
    monkeypatch.setattr(cache, "version", lambda: "another")
    day()
    assert kept_file(data_folder) != first


def test_other_columns_are_another_register(day, world):
    day()
    register = read_rows(world[1])
    father, place = (register[0].index(name) for name in ("father_name", "place_of_birth"))
    register[0][father], register[0][place] = register[0][place], register[0][father]
    assert day(register=register) == day(register=register, fresh=True)


def test_it_is_the_owners_alone_and_works_where_nothing_can_be_kept(day, data_folder, monkeypatch, tmp_path):
    right = day()
    assert kept_file(data_folder).stat().st_mode & 0o077 == 0
    assert kept_file(data_folder).parent.stat().st_mode & 0o077 == 0
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("AVR_DATA", str(tmp_path / "no folder" / "data"))
    assert day() == right


def test_another_process_that_has_the_file_is_left_alone(day, data_folder):
    right = day()
    held = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb; c = duckdb.connect({str(kept_file(data_folder))!r}); print(1); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        held.stdout.readline()
        before = kept_file(data_folder).stat()
        assert day() == right
        assert kept_file(data_folder).stat().st_ino == before.st_ino
    finally:
        held.communicate(b"\n")


def test_of_rows_that_are_gone_nothing_is_kept(day, world, data_folder):
    cases, register = map(read_rows, world)
    day()
    day(cases[:1] + cases[20:], register[:1] + register[50:])
    day(cases[:1] + cases[20:], register[:1] + register[50:])
    with duckdb.connect(str(kept_file(data_folder)), read_only=True) as connection:
        for table in ("pair", "level"):
            rows, there = (
                connection.execute(f"SELECT count(*) FROM {table} {among}").fetchall()[0][0]
                for among in (
                    "",
                    "SEMI JOIN cases c ON c.number = case_id SEMI JOIN register r ON r.number = record_id",
                )
            )
            assert rows == there > 0
        assert connection.execute("SELECT count(*) FROM cases").fetchall()[0][0] == len(cases) - 20
        parts = connection.execute("SELECT DISTINCT number FROM register_part ORDER BY number").fetchall()
        assert parts == connection.execute("SELECT number FROM register ORDER BY number").fetchall()


def test_it_is_made_anew_before_it_holds_much_that_is_gone(day, world, data_folder):
    register = read_rows(world[1])
    for part in (register, register[:1] + register[400:], register):
        day(register=part)
        assert known_rows(data_folder) == len(part) - 1
    with duckdb.connect(str(kept_file(data_folder)), read_only=True) as connection:
        assert connection.execute("SELECT sum(rows) FROM taken_in").fetchall()[0][0] == len(register) - 1


def test_tables_are_linked_with_what_is_kept_of_tables(world, data_folder):
    cases, register = (pd.read_csv(path, dtype=str) for path in world)
    changed_register = register.sample(frac=0.9, random_state=1)
    changed_register.loc[::50, "date_of_birth"] = "1990-01-01"
    file = data_folder / "kept.duckdb"
    for some in (register, changed_register):
        pd.testing.assert_frame_equal(link(cases, some, kept=file), link(cases, some))
    assert file.stat().st_size > 0


QUOTED = [
    ("all", {"quoting": csv.QUOTE_ALL}),
    ("as needed", {}),
    ("line feeds", {"lineterminator": "\n"}),
    ("all, line feeds", {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}),
]


@pytest.mark.parametrize(("name", "how"), QUOTED, ids=[name for name, _ in QUOTED])
@pytest.mark.parametrize("odd", ["a, b", 'the "old" town', "two\nlines", "'", "\x01\x02\x03\x04", "\\", ""])
def test_cells_are_read_the_same_however_the_file_is_written(day, world, name, how, odd):
    register = read_rows(world[1])
    place, given = (register[0].index(name) for name in ("place_of_birth", "given_names"))
    for row in register[1::3]:
        row[place], row[given], row[0] = odd, f"{row[given]} {odd}", f"{row[0]}{odd}"
    other = [*register[:1], *register[20:]]

    def write(path, rows):
        write_rows(path, rows, **(how if path.name == "register.csv" else {}))

    right = [link_tables(world[0], some) for some in (register, other)]
    assert [table(day(register=some, write=write)) for some in (register, other)] == right


def link_tables(cases, register):
    """The matches of the same rows as tables, which no CSV reader has seen but Python's."""
    header, *rows = register
    found = link(pd.read_csv(cases, dtype=str), pd.DataFrame(rows, columns=header).replace("", None))
    return table(found.to_csv(index=False).encode())


def table(content):
    return sorted(content.decode().replace("\r", "").splitlines())


@pytest.mark.parametrize("seen", [False, True])
def test_a_line_that_is_cut_off_refuses_the_file(day, world, tmp_path, seen):
    register = read_rows(world[1])
    # More lines than DuckDB looks at to find out what file it is.
    register += [[f"{row[0]}/{again}", *row[1:]] for again in range(15) for row in register[1:]]
    if seen:
        day(register=register)
    cut = tmp_path / "cut.csv"
    write_rows(cut, register)
    cut.write_bytes(cut.read_bytes()[:-80] + b"\r\n")
    with pytest.raises(ValueError, match=r"cut.csv cannot be read as CSV"):
        link_files(world[0], cut, tmp_path / "out.csv")


def test_the_last_line_needs_no_end(day, world, tmp_path):
    right = day()
    unended = tmp_path / "unended.csv"
    unended.write_bytes(world[1].read_bytes().rstrip(b"\r\n"))
    link_files(world[0], unended, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == right
