"""Which records of a register may be a case's person at all, and what speaks for and against each.

Reach for this to see by which keys a pair can meet, and what is compared. DuckDB touches the whole register; Python
sees each distinct word once and, of the pairs, the names of those whose other evidence leaves room for a match.
"""

import re

import duckdb
import pyarrow as arrow

from include.matching import birthdates, model, references
from include.matching.names import (
    ANOTHER_NAME,
    SAME_NAME,
    block_key,
    called_alike,
    contradict,
    likeness,
    name_similarity,
)

_UNKNOWN_NATIONALITIES = ("XXA", "XXB", "XXC", "XXX")
_YEARS_AROUND = 2
_MOST_NAMED = 8
"""Of a case's candidates so many are compared by name: whoever is not among them has fewer or commoner parts of the
name, and less of the other evidence, than all of those. A person looks at five at most."""
_SPELT_ALIKE = 0.75
"""Jaro-Winkler similarity from which two names that share no part by their keys may be one with a slip in each."""
_ANY = -1e9
"""A match weight that every pair has."""
_BREAK = re.compile(r"[-–—_.,;:/()|\s]")
_SILENT_SIGN = re.compile("['’‘ʿʾ`´\"\u200c\u200d\u0640]")
READ = (
    "family_name given_names name_original_script father_name mother_name place_of_birth date_of_birth sex nationality "
    "asylum_reference unhcr_reference final applied_on updated_at"
).split()
"""The columns of an extract that linking looks at, beside the row's key."""

EVIDENCE = "name called birth_date reference unhcr_reference sex nationality father mother place".split()
"""The columns of `compared`: levels of agreement, -1 where a side does not say, 0 where the two contradict, and more
the more they agree; `called` is what each is called alone, as `names.called_alike` says; `name`, `father`, `mother` and
`place` up to 3, `birth_date` as in birthdates, references 1 where a sign is off and 2 where none is."""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection what the queries of this room call."""
    birthdates.define(connection)
    connection.create_function("plain_reference", references.plain, ["VARCHAR"], "VARCHAR")
    connection.create_function("block_keys", _block_keys, ["VARCHAR"], "VARCHAR[]", type="arrow")
    alike = "reference"
    for sign, read_as in zip(*references.LOOK_ALIKE, strict=True):
        alike = f"replace({alike}, '{sign}', '{read_as}')"
    connection.execute(
        f"""
        CREATE MACRO words_of(person, original) AS string_split(concat_ws(' ', person, original), ' ');
        CREATE MACRO one_name(person) AS
            length(person) - length(replace(person, ' ', '')) <= CAST(starts_with(lower(person), 'abd') AS INTEGER);
        CREATE MACRO alike(reference) AS {alike};
        CREATE MACRO reference_level(a, b) AS CASE
            WHEN a IS NULL OR b IS NULL THEN -1 WHEN a = b THEN 2
            WHEN alike(a) = alike(b) OR damerau_levenshtein(a, b) = 1 THEN 1 ELSE 0 END;
        """
    )


def read_people(connection: duckdb.DuckDBPyConnection, table: str, source: str, key: str, columns: set[str]) -> None:
    """Make `table`: the evidence of each row of `source` in one form, NULL where it is missing.

    source: a relation of SQL whose `columns` are text; rows without `key` are left out
    table: `id` (BIGINT), `key`, PERSON_COLUMNS, `reference`, `unhcr_reference`, `final` (BOOLEAN),
        `applied`, `updated`
    """

    def column(name: str) -> str:
        return f"nullif(trim({name}), '')" if name in columns else "CAST(NULL AS VARCHAR)"

    def reference(name: str) -> str:
        value = column(name)
        # Most are typed in one of a few ways, and these are cheap to take away.
        bare = f"upper({value})"
        for sign in "-/. ":
            bare = f"replace({bare}, '{sign}', '')"
        few = f"length({bare}) < {references.SHORTEST}"
        odd = f"regexp_matches({bare}, '[^0-9A-Z]')"
        return f"CASE WHEN {odd} THEN nullif(plain_reference({value}), '') WHEN {few} THEN NULL ELSE {bare} END"

    unknown = ", ".join(f"'{code}'" for code in _UNKNOWN_NATIONALITIES)
    born, sex, nationality = column("date_of_birth"), column("sex"), column("nationality")
    # Not row_number(), and in any order: else the file would be read on one core.
    connection.execute(
        f"""
        CREATE TABLE {table}_rows AS
        SELECT {column(key)} AS key,
            nullif(concat_ws(' ', {column("given_names")}, {column("family_name")}), '') AS person,
            {column("name_original_script")} AS original, {column("father_name")} AS father,
            {column("mother_name")} AS mother, {column("place_of_birth")} AS place,
            CASE WHEN regexp_full_match({born}, '{birthdates.IS_DATE}') THEN {born} END AS birth_date,
            CASE WHEN {sex} IN ('F', 'M') THEN {sex} END AS sex,
            CASE WHEN {nationality} NOT IN ({unknown}) THEN {nationality} END AS nationality,
            {reference("asylum_reference")} AS reference, {reference("unhcr_reference")} AS unhcr_reference,
            coalesce(lower({column("final")}) = 'true', false) AS final,
            coalesce({column("applied_on")}, '') AS applied, coalesce({column("updated_at")}, '') AS updated
        FROM {source} WHERE {column(key)} IS NOT NULL;
        CREATE VIEW {table} AS SELECT rowid AS id, * FROM {table}_rows;
        """
    )


def meet(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `met` (`case_id`, `record_id`) and `rarities` from the tables `cases` and `register`.

    Met are pairs that share the reference but for signs that look alike; or UNHCR's reference; or a known birth date
    and the nationality; or a known birth date and a part of the name, a guessed one if one has but one name; or two
    parts of the name, the years of birth at most two apart or one of them unknown.
    """
    connection.execute(_PARTS)
    connection.execute(_RARITIES)
    connection.execute(_MET.format(around=_YEARS_AROUND))


def compare(connection: duckdb.DuckDBPyConnection, *, all_of_them: bool = False) -> None:
    """Make `compared` from what met: `pair`, `case_id`, `record_id`, `rarity` and EVIDENCE.

    Left out is who cannot come near a match even if every name agrees.

    all_of_them: leave nobody out
    `rarity`: how rare the case's name is among the register's people of the nationality, in powers of ten
    """
    size = connection.execute("SELECT count(*) FROM register").fetchall()[0][0]
    weight = model.weight(size)
    least, spelt, most = (_ANY, -1.0, size) if all_of_them else (model.LEAST_WEIGHT, _SPELT_ALIKE, _MOST_NAMED)
    connection.execute(_HOPED.format(weight=weight, least=least, most=most, spelt=spelt))
    _level_names(connection)
    connection.execute(_NAMED.format(weight=weight, least=least))
    _level_elders(connection)
    connection.execute(_ELDERS)


_PARTS = """
CREATE TABLE wanted AS
SELECT skeleton, CAST(row_number() OVER () AS INTEGER) AS part FROM (
    SELECT DISTINCT unnest(block_keys(word)) AS skeleton
    FROM (SELECT DISTINCT unnest(words_of(person, original)) AS word FROM cases));
""" + "".join(
    f"""
CREATE TABLE {table}_words AS
SELECT word, part FROM (
    SELECT word, unnest(block_keys(word)) AS skeleton
    FROM (SELECT DISTINCT unnest(words_of(person, original)) AS word FROM {table}))
JOIN wanted USING (skeleton);
CREATE TABLE {table}_part AS
SELECT DISTINCT id, part, birth_date, nationality, alone FROM (
    SELECT id, unnest(words_of(person, original)) AS word, birth_date, nationality, one_name(person) AS alone
    FROM {table})
JOIN {table}_words USING (word);
DROP TABLE {table}_words;
"""
    for table in ("cases", "register")
)

_RARITIES = """
CREATE TABLE rarities AS
WITH bearers AS (SELECT part, nationality, count(*) AS bearers FROM register_part GROUP BY ALL),
    peoples AS (SELECT nationality, count(*) AS people FROM register GROUP BY ALL),
    all_bearers AS (SELECT part, sum(bearers) AS bearers FROM bearers GROUP BY part)
SELECT id, part, log10(
    greatest(coalesce(p.people, (SELECT sum(people) FROM peoples)), 100)
    / (1 + coalesce(CASE WHEN cases_part.nationality IS NULL THEN a.bearers ELSE b.bearers END, 0))) AS rarity
FROM cases_part LEFT JOIN peoples p USING (nationality)
LEFT JOIN bearers b USING (part, nationality) LEFT JOIN all_bearers a USING (part);
"""

_MET = """
CREATE TABLE two_of_cases AS
SELECT id, a.part AS one, b.part AS other, a.birth_date, CAST(substr(a.birth_date, 1, 4) AS INTEGER) AS year
FROM cases_part a JOIN cases_part b USING (id) WHERE a.part < b.part;
CREATE TABLE two_of_register AS
SELECT id, a.part AS one, b.part AS other, a.birth_date, CAST(substr(a.birth_date, 1, 4) AS INTEGER) AS year
FROM register_part a JOIN register_part b USING (id)
WHERE a.part < b.part AND (a.part, b.part) IN (SELECT (one, other) FROM two_of_cases);
CREATE TABLE met AS
SELECT DISTINCT case_id, record_id FROM (
    SELECT c.id AS case_id, r.id AS record_id FROM cases c JOIN register r ON alike(c.reference) = alike(r.reference)
    UNION ALL
    SELECT c.id, r.id FROM cases c JOIN register r USING (unhcr_reference)
    UNION ALL
    SELECT c.id, r.id FROM cases c JOIN register r USING (birth_date, nationality) WHERE known_day(birth_date)
    UNION ALL
    SELECT c.id, r.id FROM cases_part c JOIN register_part r USING (part, birth_date)
    WHERE known_day(birth_date) OR c.alone OR r.alone
    UNION ALL
    SELECT c.id, r.id FROM two_of_cases c JOIN two_of_register r USING (one, other)
    WHERE coalesce(abs(c.year - r.year) <= {around}, true)
        AND birth_level(c.birth_date, r.birth_date) <> 0);
DROP TABLE two_of_cases;
DROP TABLE two_of_register;
"""

_HOPED = """
CREATE TABLE hoped AS
SELECT row_number() OVER () AS pair, * FROM (
WITH whole AS (SELECT id AS case_id, sum(rarity) AS whole FROM rarities GROUP BY id),
    shared AS (
        SELECT case_id, record_id, sum(rarity) AS shared
        FROM met JOIN rarities c ON c.id = case_id JOIN register_part r ON r.id = record_id AND r.part = c.part
        GROUP BY ALL)
SELECT * FROM (
    SELECT case_id, record_id, r.key AS record, (coalesce(whole, 0) + coalesce(shared, 0)) / 2 AS rarity,
        coalesce(shared, 0) AS shared, jaro_winkler_similarity(lower(c.person), lower(r.person)) AS spelt,
        CASE WHEN c.person IS NULL OR r.person IS NULL THEN -1 ELSE 3 END AS name, least(name, 1) AS called,
        birth_level(c.birth_date, r.birth_date) AS birth_date,
        reference_level(c.reference, r.reference) AS reference,
        reference_level(c.unhcr_reference, r.unhcr_reference) AS unhcr_reference,
        coalesce(CAST(c.sex = r.sex AS INTEGER), -1) AS sex,
        coalesce(CAST(c.nationality = r.nationality AS INTEGER), -1) AS nationality,
        CASE WHEN c.father IS NULL OR r.father IS NULL THEN -1 ELSE 3 END AS father,
        CASE WHEN c.mother IS NULL OR r.mother IS NULL THEN -1 ELSE 3 END AS mother,
        CASE WHEN c.place IS NULL OR r.place IS NULL THEN -1 ELSE 3 END AS place
    FROM met JOIN cases c ON c.id = case_id JOIN register r ON r.id = record_id
    LEFT JOIN whole USING (case_id) LEFT JOIN shared USING (case_id, record_id))
WHERE 2 IN (reference, unhcr_reference)
    OR ({weight} >= {least} AND (shared > 0 OR reference = 1 OR coalesce(spelt, 0) > {spelt}))
QUALIFY 2 IN (reference, unhcr_reference)
    OR row_number() OVER (PARTITION BY case_id ORDER BY {weight} DESC, record) <= {most});
"""

_NAMED = """
CREATE TABLE named AS
SELECT * FROM (SELECT h.* REPLACE (coalesce(level, -1) AS name) FROM hoped h LEFT JOIN name_levels USING (pair))
WHERE 2 IN (reference, unhcr_reference) OR {weight} >= {least};
"""

_ELDERS = """
CREATE TABLE compared AS
SELECT n.* REPLACE (CAST(called_level AS INTEGER) AS called, CAST(father_level AS INTEGER) AS father,
    CAST(mother_level AS INTEGER) AS mother, CAST(place_level AS INTEGER) AS place)
FROM named n JOIN elder_levels USING (pair);
DROP TABLE hoped;
DROP TABLE named;
"""


def _block_keys(words: arrow.Array) -> arrow.Array:
    """The keys of each word; one that a hyphen holds together is several."""
    parts = (_BREAK.split(_SILENT_SIGN.sub("", word.lower())) for word in words.to_pylist())
    return arrow.array(
        [sorted({block_key(part) for part in word} - {""}) for word in parts], arrow.list_(arrow.string())
    )


def _level_names(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `name_levels` (`pair`, `level`) of the pairs in `hoped` whose names are both known."""
    rows = connection.execute(
        """
        SELECT pair, c.person, c.original, c.father, r.person, r.original, r.father
        FROM hoped JOIN cases c ON c.id = case_id JOIN register r ON r.id = record_id WHERE name >= 0 ORDER BY case_id
        """
    )
    # Not as a function of DuckDB's: its threads would wait for each other in Python.
    pairs, levels = [], []
    while some := rows.fetchmany(10_000):
        for pair, *one, a_father, person, original, b_father in some:
            fathers = [father for father in (a_father, b_father) if father]
            pairs.append(pair)
            levels.append(_level(likeness(_known(*one), _known(person, original), fathers)))
    _put(connection, "name_levels", {"pair": pairs, "level": levels})


def _level_elders(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `elder_levels`: `pair` and the levels of `called`, `father`, `mother`, `place`, for the pairs in `named`."""
    rows = connection.execute(
        """
        SELECT pair, c.person, c.original, r.person, r.original,
            c.father, r.father, c.mother, r.mother, c.place, r.place
        FROM named JOIN cases c ON c.id = case_id JOIN register r ON r.id = record_id
        """
    ).fetchall()
    levels = {"pair": [row[0] for row in rows]}
    levels["called_level"] = [
        int(called_alike(_known(*row[1:3]), _known(*row[3:5]))) if row[1] and row[3] else -1 for row in rows
    ]
    for at, field in enumerate(("father_level", "mother_level", "place_level")):
        levels[field] = [_elder_level(row[5 + 2 * at], row[6 + 2 * at]) for row in rows]
    _put(connection, "elder_levels", levels)


def _put(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, list[int]]) -> None:
    table = arrow.table({column: arrow.array(values, arrow.int64()) for column, values in columns.items()})
    connection.register(name, table)


def _known(person: str, original: str | None) -> list[str]:
    return [person, original] if original else [person]


def _elder_level(one: str | None, other: str | None) -> int:
    if not one or not other:
        return -1
    return _level(name_similarity(one, other)) or int(not contradict(one, other))


def _level(likeness: float) -> int:
    return 3 if likeness >= 0.92 else 2 if likeness >= SAME_NAME else 1 if likeness >= ANOTHER_NAME else 0
