"""Which records of a register may be a case's person at all, and what speaks for and against each.

Reach for this to see by which keys a pair can meet, and what is compared. DuckDB touches the whole register; Python
sees each distinct word once and, of the pairs, the names of those whose other evidence leaves room for a match.

But for how rare a name is, all of it depends on the two rows of a pair alone. So what a run found of rows that are
still there is taken from `kept`, the tables of `cache`; where these are empty, every row is new.

What compares names, and what it stands on, takes as long to load as DuckDB to read a register. So it is not imported
here but where it is called, and `linkage` loads it meanwhile.
"""

import math
from array import array
from typing import TYPE_CHECKING, Any

import duckdb

from include.matching import birthdates, model, references
from include.matching.database import Database

if TYPE_CHECKING:
    import pyarrow as arrow

_UNKNOWN_NATIONALITIES = ("XXA", "XXB", "XXC", "XXX")
_YEARS_AROUND = 2
_MOST_NAMED = 8
"""Of a case's candidates so many are compared by name: whoever is not among them has fewer or commoner parts of the
name, and less of the other evidence, than all of those. A person looks at five at most."""
_SPELT_ALIKE = 0.75
"""Jaro-Winkler similarity from which two names that share no part by their keys may be one with a slip in each."""
_MORE_THAN_MEET = 10_000
"""More records than any case meets."""
_ANY = -1e9
"""A match weight that every pair has."""
_MOST_RANKS = 62
"""So many parts of one case's name are told apart where a record shares them: the bits of a BIGINT."""
OF_A_PERSON = (
    "family_name given_names name_original_script father_name mother_name place_of_birth date_of_birth sex nationality "
    "asylum_reference unhcr_reference"
).split()
READ = [*OF_A_PERSON, "final", "applied_on", "updated_at"]
"""The columns of an extract that linking looks at, beside the row's key; of a case OF_A_PERSON is enough."""

EVIDENCE = "name called birth_date reference unhcr_reference sex nationality father mother place".split()
"""The columns of `compared`: levels of agreement, -1 where a side does not say, 0 where the two contradict, and more
the more they agree; `called` is what each is called alone, as `names.called_alike` says; `name`, `father`, `mother` and
`place` up to 3, `birth_date` as in birthdates, references 1 where a sign is off and 2 where none is; a number of one
kind that stands where the other should is UNHCR's."""


def prepare(connection: Database) -> None:
    """Give the connection what the queries of this room call."""
    birthdates.define(connection)
    connection.create_function("plain_reference", references.plain, ["VARCHAR"], "VARCHAR")
    connection.create_function("block_keys", _block_keys, ["VARCHAR"], "VARCHAR")
    alike = "reference"
    for sign, read_as in zip(*references.LOOK_ALIKE, strict=True):
        alike = f"replace({alike}, '{sign}', '{read_as}')"
    # Two signs that differ, at most, or a sign more: nothing else is one slip away, and these are cheap to see.
    connection.execute(
        f"""
        CREATE MACRO one_name(person) AS
            person NOT LIKE '% %' OR (person ILIKE 'abd%' AND person NOT LIKE '% % %');
        CREATE MACRO alike(reference) AS
            CASE WHEN regexp_matches(reference, '[{references.LOOK_ALIKE[0]}]') THEN {alike} ELSE reference END;
        CREATE MACRO slip_in_reference(a, b) AS CASE
            WHEN length(a) = length(b) THEN CASE WHEN hamming(a, b) <= 2 THEN damerau_levenshtein(a, b) = 1 END
            WHEN abs(length(a) - length(b)) = 1 THEN damerau_levenshtein(a, b) = 1 END;
        CREATE MACRO reference_level(a, b) AS CASE
            WHEN a IS NULL OR b IS NULL THEN -1 WHEN a = b THEN 2
            WHEN slip_in_reference(a, b) OR alike(a) = alike(b) THEN 1 ELSE 0 END;
        CREATE MACRO number_level(a, a_reference, b, b_reference) AS CASE
            WHEN a = b_reference OR a_reference = b THEN 2 ELSE reference_level(a, b) END;
        """
    )


KEY = {"cases": "case_id", "register": "asylum_reference"}


def read_rows(connection: Database, table: str, source: str, columns: set[str]) -> None:
    """Read the rows of `source`, a relation of SQL whose `columns` are text, for `find_known`.

    table: "cases" or "register"
    result: `{table}_read`, with `content`, a hash of all that linking reads of a row, and `{table}_rows(of_these)`:
        `of_row` for some rows of it, given as the name of a relation that has their rowid as `row`
    """
    read = OF_A_PERSON if table == "cases" else READ
    cells = of_row(table, {column: column for column in {KEY[table], *read} & columns})
    # Not row_number(), and in any order: else the file would be read on one core.
    connection.execute(
        f"""
        CREATE TABLE {table}_read AS
        SELECT *, hash(key, {", ".join(READ)}) AS content FROM (SELECT {cells} FROM {source});
        CREATE MACRO {table}_rows(of_these) AS TABLE FROM query_table(of_these);
        """
    )


def of_row(table: str, cells: dict[str, str]) -> str:
    """SQL for the `key` and the columns of READ, given SQL for the cells of the columns that are there."""
    read = ", ".join(f"{cells.get(column, 'CAST(NULL AS VARCHAR)')} AS {column}" for column in READ)
    return f"nullif(trim({cells[KEY[table]]}), '') AS key, {read}"


def _people(rows: str, number: str) -> str:
    """SQL for the evidence of `{table}_rows` in one form, NULL where it is missing.

    returns: `row`, `id` (`number`), `key`, `content`, `person`, `original`, `father`, `mother`, `place`, `birth_date`,
        `sex`, `nationality`, `reference`, `unhcr_reference`, `final` (BOOLEAN), `applied`, `updated`
    """

    def column(name: str) -> str:
        return f"nullif(trim({name}), '')"

    def reference(name: str) -> str:
        value = column(name)
        # Most are typed in one of a few ways, and these are cheap to take away: one by one, since most need no second.
        found = f"nullif(plain_reference({value}), '')"
        bare = [f"upper({value})"]
        for sign in "-/. ":
            bare.append(f"replace({bare[-1]}, '{sign}', '')")
        for way in (bare[-1], bare[1]):
            odd, few = f"regexp_matches({way}, '[^0-9A-Z]')", f"length({way}) < {references.SHORTEST}"
            found = f"CASE WHEN {odd} THEN {found} WHEN {few} THEN NULL ELSE {way} END"
        return found

    unknown = ", ".join(f"'{code}'" for code in _UNKNOWN_NATIONALITIES)
    born, sex, nationality = column("date_of_birth"), column("sex"), column("nationality")
    return f"""
        SELECT row, {number} AS id, key, content,
            nullif(concat_ws(' ', {column("given_names")}, {column("family_name")}), '') AS person,
            {column("name_original_script")} AS original, {column("father_name")} AS father,
            {column("mother_name")} AS mother, {column("place_of_birth")} AS place,
            CASE WHEN regexp_full_match({born}, '{birthdates.IS_DATE}') THEN {born} END AS birth_date,
            CASE WHEN {sex} IN ('F', 'M') THEN {sex} END AS sex,
            CASE WHEN {nationality} NOT IN ({unknown}) THEN {nationality} END AS nationality,
            {reference("asylum_reference")} AS reference, {reference("unhcr_reference")} AS unhcr_reference,
            coalesce(lower({column("final")}) = 'true', false) AS final,
            coalesce({column("applied_on")}, '') AS applied, coalesce({column("updated_at")}, '') AS updated
        FROM {rows} WHERE key IS NOT NULL"""


def find_known(connection: Database, table: str) -> None:
    """Tell the rows that `kept` knows from the others, and give each a number by which `kept` will know it.

    result: `{table}_known` (`row`, `number`); `{table}_fresh`, the others; `{table}_numbers` (`row`, `number`), both;
        `{table}_gone`, numbers that are kept of rows that are no more; `{table}_keys`, all of these three by what they
        can meet by
    """
    connection.execute(_TOLD.format(table=table))
    some_twice, all_new = connection.execute(_SOME_TWICE.format(table=table)).fetchall()[0]
    if some_twice:
        # No two that are the same may stand for one another: they are few, and new each time.
        connection.execute(_WITHOUT_TWINS.format(table=table))
    connection.execute(_TOLD_APART.format(table=table))
    # A join with all of the register's lines would cost as much as splitting them.
    new = f"SELECT r.rowid AS row, * FROM {table}_read r"
    new += "" if all_new else f" SEMI JOIN (FROM {table}_told WHERE number IS NULL) u ON r.rowid = u.row"
    connection.execute(f"CREATE VIEW {table}_new AS {new}")
    number = f"(SELECT coalesce(max(number) + 1, 0) FROM kept.{table}) + row"
    people = _people(f"{table}_rows('{table}_new')", number)
    connection.execute(_FRESH.format(table=table, people=people, of_keys=_OF_KEYS))


def people_of(connection: Database, table: str, numbers: str, into: str) -> None:
    """Make the table `into`: all that is known of the people whose numbers the query `numbers` gives, as `_people`."""
    connection.execute(
        f"""
        CREATE TABLE chosen AS FROM {table}_numbers WHERE number IN ({numbers});
        CREATE VIEW chosen_rows AS SELECT r.rowid AS row, * FROM {table}_read r SEMI JOIN chosen ON r.rowid = row;
        CREATE TABLE {into} AS {_people(f"{table}_rows('chosen_rows') JOIN chosen USING (row)", "number")};
        DROP VIEW chosen_rows;
        DROP TABLE chosen;
        """
    )


def meet(connection: Database) -> None:
    """Make `cases`, the people of the cases, `met` (`case_id`, `record_id`) and `rarities`, after `find_known`.

    Met are pairs that share the reference but for signs that look alike; or UNHCR's; or one's for the other's; or a
    known birth date and the nationality; or a known birth date and a part of the name, a guessed one if one has but one
    name; or two parts of the name, the years of birth at most two apart or one of them unknown. Left out are pairs of
    `kept.pair`; among the others may be some of rows that are gone.
    """
    people_of(connection, "cases", "SELECT number FROM cases_numbers", "cases")
    connection.execute(_PARTS.format(most=_MOST_RANKS))
    _find_parts(connection)
    connection.execute(_RARITIES)
    connection.execute(_TWO_NAMES.format(years=_YEARS_AROUND))
    ways = [way.format(side=side, years=_YEARS_AROUND) for way in _WAYS_TO_MEET for side in _SIDES]
    connection.execute(f"CREATE TABLE met AS SELECT DISTINCT case_id, record_id FROM ({' UNION ALL '.join(ways)})")
    connection.execute("DROP TABLE two_of_cases; DROP TABLE two_of_register; DROP TABLE agreeing_dates")


def pair_up(connection: Database, *, all_of_them: bool = False) -> None:
    """Make `new_pairs` from what met, and `pairs` with those of `kept.pair`: all that compares without Python.

    Left out is whose names have nothing in common.

    all_of_them: leave nobody out
    """
    people_of(connection, "register", "SELECT record_id FROM met", "met_records")
    connection.execute(_PAIRS.format(spelt=-1.0 if all_of_them else _SPELT_ALIKE))


def shortlist(connection: Database, *, least: float | None = None, all_of_them: bool = False) -> None:
    """Make `hoped` from `pairs`: each case's likeliest, as far as can be told without comparing names.

    Makes `records` too, the people of the register among whom they are. `least` and `all_of_them` as for `compare`.
    """
    size = register_size(connection)
    most = min(size, _MORE_THAN_MEET) if all_of_them else _MOST_NAMED
    least = _least(least, all_of_them)
    connection.execute(_WEIGHED.format(weight=model.weight(size), least=least, most=most))
    people_of(connection, "register", "SELECT record_id FROM weighed", "records")
    connection.execute(_HOPED.format(most=most))


def compare(connection: Database, *, least: float | None = None, all_of_them: bool = False) -> None:
    """Make `compared` from `hoped`: `pair`, `case_id`, `record_id`, `namesakes` and EVIDENCE.

    Left out is who does not come near a match.

    least: match weight under which a pair is left out; without it, what no person need see
    all_of_them: leave nobody out
    `namesakes`: how many strangers of the case's nationality may bear the name in this very register, as log10
    """
    weight, least = model.weight(register_size(connection)), _least(least, all_of_them)
    connection.execute("CREATE TABLE levels (pair BIGINT, what VARCHAR, level INTEGER)")
    connection.execute("CREATE TABLE compared AS FROM hoped")
    # Names last: elders are compared sooner, and speak against most.
    for what in ("father", "mother", "place", "name", "called"):
        _level(connection, what)
        connection.execute(_COMPARED.format(what=what, weight=weight, least=least))


def known_objections(connection: Database) -> dict[tuple[int, int], bool]:
    """Of pairs in `compared`, by case and record, whether `decision.objection` has one, as far as it is kept."""
    known = connection.execute(
        """
        SELECT case_id, record_id, level FROM compared JOIN kept.level USING (case_id, record_id)
        WHERE what = 'objection'
        """
    )
    return {(case, record): bool(level) for case, record, level in known.fetchall()}


def add_objections(connection: Database, objected: dict[tuple[int, int], bool]) -> None:
    """Put into `levels` whether there is an objection to each of these pairs, for the next day to know."""
    cases, records = (array("q", (pair[side] for pair in objected)) for side in (0, 1))
    levels = array("q", map(int, objected.values()))
    connection.register("found", _of_numbers(case_id=cases, record_id=records, level=levels))
    connection.execute(
        "INSERT INTO levels SELECT pair, 'objection', level FROM found JOIN compared USING (case_id, record_id)"
    )
    connection.unregister("found")


def _least(least: float | None, all_of_them: bool) -> float:
    return _ANY if all_of_them else _least_weight() if least is None else least


def _least_weight() -> float:
    """Match weight (log2 of the odds) under which a pair is neither for a person to see nor a rival of one that is."""
    from include.matching.decision import ACCEPT, REVIEW, RIVAL

    # A hair less: the same sum in another order may round to another last digit.
    return math.log2(min(REVIEW / (1 - REVIEW), ACCEPT / (1 - ACCEPT) / RIVAL)) - 1e-6


def register_size(connection: Database) -> int:
    """How many records the register has."""
    return int(connection.execute("FROM register_size").fetchall()[0][0])


_OF_KEYS = "number, birth_date, nationality, alone, reference, unhcr_reference"

_TOLD = """
CREATE TABLE {table}_told AS
SELECT r.row, k.number
FROM (SELECT rowid AS row, content FROM {table}_read) r FULL JOIN kept.{table} k USING (content);
"""

_SOME_TWICE = """
SELECT count(row) > (SELECT count(*) FROM {table}_read) OR count(number) > (SELECT count(*) FROM kept.{table}),
    count(row + number) = 0
FROM {table}_told;
"""

_WITHOUT_TWINS = """
CREATE TABLE {table}_twin AS
FROM {table}_told
WHERE row IN (SELECT row FROM {table}_told GROUP BY row HAVING count(*) > 1)
    OR number IN (SELECT number FROM {table}_told GROUP BY number HAVING count(*) > 1);
CREATE OR REPLACE TABLE {table}_told AS
FROM {table}_told ANTI JOIN {table}_twin USING (row, number)
UNION ALL SELECT DISTINCT row, CAST(NULL AS BIGINT) FROM {table}_twin
UNION ALL SELECT DISTINCT CAST(NULL AS BIGINT), number FROM {table}_twin;
"""

_TOLD_APART = """
CREATE VIEW {table}_known AS FROM {table}_told WHERE row IS NOT NULL AND number IS NOT NULL;
CREATE TABLE {table}_gone AS SELECT number FROM {table}_told WHERE row IS NULL;
"""

_FRESH = """
CREATE TABLE {table}_fresh AS
SELECT row, id AS number, content, concat_ws(' ', person, original) AS names,
    birth_date, nationality, one_name(person) AS alone,
    CASE WHEN reference IS NOT NULL THEN hash(alike(reference)) END AS reference,
    CASE WHEN unhcr_reference IS NOT NULL THEN hash(alike(unhcr_reference)) END AS unhcr_reference
FROM ({people});
CREATE VIEW {table}_numbers AS FROM {table}_known UNION ALL SELECT row, number FROM {table}_fresh;
CREATE VIEW {table}_keys AS
SELECT {of_keys}, false AS fresh FROM kept.{table}
UNION ALL SELECT {of_keys}, true AS fresh FROM {table}_fresh;
"""

_PARTS = """
CREATE TABLE fresh_word AS SELECT number, unnest(string_split(names, ' ')) AS word FROM register_fresh;
CREATE TABLE cases_word AS
SELECT id AS number, unnest(string_split(concat_ws(' ', person, original), ' ')) AS word FROM cases;
CREATE TABLE new_words AS
SELECT word, block_keys(word) AS skeletons
FROM (SELECT word FROM fresh_word UNION SELECT word FROM cases_word) ANTI JOIN kept.word USING (word);
CREATE VIEW new_word_skeletons AS SELECT word, unnest(string_split(skeletons, ' ')) AS skeleton FROM new_words;
CREATE TABLE new_skeletons AS
SELECT skeleton, CAST((SELECT coalesce(max(part), 0) FROM kept.skeleton) + row_number() OVER () AS INTEGER) AS part
FROM (SELECT DISTINCT skeleton FROM new_word_skeletons WHERE skeleton <> '') ANTI JOIN kept.skeleton USING (skeleton);
CREATE TABLE new_word_parts AS
SELECT word, part FROM new_word_skeletons JOIN (FROM kept.skeleton UNION ALL FROM new_skeletons) USING (skeleton);
CREATE TABLE word_parts AS FROM new_word_parts UNION ALL SELECT word, part FROM kept.word WHERE part IS NOT NULL;
CREATE TABLE cases_part AS
SELECT number, part, least(row_number() OVER (PARTITION BY number ORDER BY part) - 1, {most}) AS rank
FROM (SELECT DISTINCT number, part FROM cases_word JOIN word_parts USING (word));
"""

_REGISTER_PARTS = """
DROP TABLE fresh_word;
-- Of rows that were met before, only what new cases may meet them by.
CREATE TABLE known_part AS
FROM kept.register_part WHERE part IN (SELECT part FROM cases_part JOIN cases_fresh USING (number));
CREATE VIEW register_part AS FROM fresh_part UNION ALL FROM known_part;
"""

_RARITIES = """
CREATE TABLE register_size AS SELECT count(*) FROM register_numbers;
CREATE TABLE bearers AS
SELECT part, nationality, CAST(sum(bearers) AS BIGINT) AS bearers FROM (
    FROM kept.bearers
    UNION ALL
    SELECT part, nationality, count(*) FROM fresh_part JOIN register_fresh USING (number) GROUP BY ALL
    UNION ALL
    SELECT part, nationality, -count(*)
    FROM kept.register_part JOIN kept.register USING (number) SEMI JOIN register_gone USING (number) GROUP BY ALL)
GROUP BY ALL;
CREATE TABLE peoples AS
SELECT nationality, count(*) AS people FROM register_keys ANTI JOIN register_gone USING (number) GROUP BY ALL;
CREATE TABLE rarities AS
WITH all_bearers AS (SELECT part, sum(bearers) AS bearers FROM bearers GROUP BY part)
-- A DECIMAL: the sum of some is the same in whatever order.
SELECT number AS case_id, part, rank, CAST(log10(
    greatest(coalesce(p.people, (SELECT sum(people) FROM peoples)), 100)
    / (1 + coalesce(CASE WHEN c.nationality IS NULL THEN a.bearers ELSE b.bearers END, 0))) AS DECIMAL(18, 9)) AS rarity
FROM cases_part JOIN cases_keys c USING (number) LEFT JOIN peoples p USING (nationality)
LEFT JOIN bearers b USING (part, nationality) LEFT JOIN all_bearers a USING (part);
CREATE TABLE crowds AS
SELECT number AS case_id, CAST(log10(greatest(coalesce(people, (SELECT sum(people) FROM peoples)), 100))
    AS DECIMAL(18, 9)) AS crowd
FROM cases_keys LEFT JOIN peoples USING (nationality);
"""

_TWO_NAMES = """
CREATE TABLE two_of_cases AS
SELECT number, a.part AS one, b.part AS other, birth_date, CAST(substr(birth_date, 1, 4) AS INTEGER) AS year, fresh
FROM cases_part a JOIN cases_part b USING (number) JOIN cases_keys USING (number) WHERE a.part < b.part;
CREATE TABLE two_of_register AS
SELECT number, one, other, birth_date, CAST(substr(birth_date, 1, 4) AS INTEGER) AS year, fresh
FROM (
    SELECT number, a.part AS one, b.part AS other FROM register_part a JOIN register_part b USING (number)
    WHERE a.part < b.part AND (a.part, b.part) IN (SELECT (one, other) FROM two_of_cases))
JOIN register_keys USING (number);
-- Two dates are long to compare, and the same two are in many pairs.
CREATE TABLE agreeing_dates AS
SELECT of_case, of_record FROM (
    SELECT DISTINCT c.birth_date AS of_case, r.birth_date AS of_record
    FROM two_of_cases c JOIN two_of_register r USING (one, other)
    WHERE (c.fresh OR r.fresh) AND abs(c.year - r.year) <= {years})
WHERE birth_level(of_case, of_record) <> 0;
"""

_WAYS_TO_MEET = (
    """
    SELECT c.number AS case_id, r.number AS record_id FROM cases_keys c JOIN register_keys r USING (reference)
    WHERE {side}
    """,
    "SELECT c.number, r.number FROM cases_keys c JOIN register_keys r USING (unhcr_reference) WHERE {side}",
    "SELECT c.number, r.number FROM cases_keys c JOIN register_keys r ON c.reference = r.unhcr_reference WHERE {side}",
    "SELECT c.number, r.number FROM cases_keys c JOIN register_keys r ON c.unhcr_reference = r.reference WHERE {side}",
    """
    SELECT c.number, r.number FROM cases_keys c JOIN register_keys r USING (birth_date, nationality)
    WHERE known_day(birth_date) AND {side}
    """,
    """
    SELECT c.number, r.number FROM (FROM cases_part JOIN cases_keys USING (number)) c
    JOIN (
        FROM register_part JOIN register_keys USING (number)
        WHERE birth_date IN (SELECT birth_date FROM cases_keys)) r
    USING (part, birth_date)
    WHERE (known_day(birth_date) OR c.alone OR r.alone) AND {side}
    """,
    """
    SELECT c.number, r.number FROM two_of_cases c JOIN two_of_register r USING (one, other)
    WHERE {side} AND coalesce(abs(c.year - r.year) <= {years}, true)
        AND (c.birth_date IS NULL OR r.birth_date IS NULL
            OR (c.birth_date, r.birth_date) IN (SELECT (of_case, of_record) FROM agreeing_dates))
    """,
)
_SIDES = ("c.fresh", "NOT c.fresh AND r.fresh")
"""Who meets whom: each new case every record, and each other case the new records."""

_PAIRS = """
CREATE TABLE new_pairs AS
WITH shared AS (
    SELECT case_id, record_id, bit_or(CAST(1 AS BIGINT) << rank) AS shares
    FROM met JOIN cases_part c ON c.number = case_id JOIN register_part r ON r.number = record_id AND r.part = c.part
    GROUP BY ALL)
SELECT case_id, record_id, coalesce(shares, 0) AS shares,
    CASE WHEN c.person IS NULL OR r.person IS NULL THEN -1 ELSE 3 END AS name,
    CASE WHEN c.person IS NULL OR r.person IS NULL THEN -1 ELSE 1 END AS called,
    birth_level(c.birth_date, r.birth_date) AS birth_date,
    reference_level(c.reference, r.reference) AS reference,
    number_level(c.unhcr_reference, c.reference, r.unhcr_reference, r.reference) AS unhcr_reference,
    coalesce(CAST(c.sex = r.sex AS INTEGER), -1) AS sex,
    coalesce(CAST(c.nationality = r.nationality AS INTEGER), -1) AS nationality,
    CASE WHEN c.father IS NULL OR r.father IS NULL THEN -1 ELSE 3 END AS father,
    CASE WHEN c.mother IS NULL OR r.mother IS NULL THEN -1 ELSE 3 END AS mother,
    CASE WHEN c.place IS NULL OR r.place IS NULL THEN -1 ELSE 3 END AS place
FROM met JOIN cases c ON c.id = case_id JOIN met_records r ON r.id = record_id
LEFT JOIN shared USING (case_id, record_id)
WHERE shares > 0 OR reference_level(c.reference, r.reference) > 0
    OR number_level(c.unhcr_reference, c.reference, r.unhcr_reference, r.reference) = 2
    OR coalesce(jaro_winkler_similarity(lower(c.person), lower(r.person)), 0) > {spelt};
CREATE TABLE pairs AS
FROM new_pairs UNION ALL
FROM kept.pair ANTI JOIN cases_gone ON case_id = number ANTI JOIN register_gone ON record_id = register_gone.number;
"""

_WEIGHED = """
CREATE TABLE weighed AS
WITH whole AS (SELECT case_id, sum(rarity) AS whole FROM rarities GROUP BY ALL),
    shared AS (
        SELECT case_id, shares, sum(rarity) AS shared
        FROM (SELECT DISTINCT case_id, shares FROM pairs) JOIN rarities USING (case_id) WHERE (shares >> rank) & 1 = 1
        GROUP BY ALL),
    every AS (
        SELECT *, {weight} AS weight FROM (
            SELECT pairs.*, CAST(2 * crowd - coalesce(whole, 0) - coalesce(shared, 0) AS DOUBLE) / 2 AS namesakes
            FROM pairs JOIN crowds USING (case_id)
            LEFT JOIN whole USING (case_id) LEFT JOIN shared USING (case_id, shares))),
    heavy AS MATERIALIZED (FROM every WHERE 2 IN (reference, unhcr_reference) OR weight >= {least})
SELECT heavy.* FROM heavy
JOIN (SELECT case_id, list_min(max(weight, {most})) AS enough FROM heavy GROUP BY case_id) USING (case_id)
WHERE 2 IN (reference, unhcr_reference) OR weight >= enough;
"""

_HOPED = """
CREATE TABLE hoped AS
SELECT row_number() OVER () AS pair, * FROM (
    SELECT weighed.* FROM weighed JOIN (SELECT id AS record_id, key, content FROM records) USING (record_id)
    QUALIFY 2 IN (reference, unhcr_reference)
        OR row_number() OVER (PARTITION BY case_id ORDER BY weight DESC, key, content) <= {most});
"""

_UNLEVELLED = """
INSERT INTO levels
SELECT pair, what, level FROM compared JOIN kept.level USING (case_id, record_id) WHERE what = '{what}';
SELECT pair, {columns}
FROM (FROM compared ANTI JOIN (FROM levels WHERE what = '{what}') USING (pair) WHERE {what} >= 0)
JOIN cases c ON c.id = case_id JOIN records r ON r.id = record_id ORDER BY case_id;
"""

_COMPARED = """
CREATE OR REPLACE TABLE compared AS
SELECT * FROM (
    SELECT compared.* REPLACE (coalesce(level, -1) AS {what})
    FROM compared LEFT JOIN (FROM levels WHERE what = '{what}') USING (pair))
WHERE 2 IN (reference, unhcr_reference) OR {weight} >= {least};
"""


def _find_parts(connection: Database) -> None:
    """Make `register_part` (`number`, `part`): the parts of the names in the register that a pair may meet by."""
    if isinstance(connection, duckdb.DuckDBPyConnection):
        _find_fresh_parts(connection)
    else:
        # Spark's numbers are too large to be packed.
        connection.execute(
            "CREATE TABLE fresh_part AS SELECT DISTINCT number, part FROM fresh_word JOIN word_parts USING (word)"
        )
    connection.execute(_REGISTER_PARTS)


def _find_fresh_parts(connection: duckdb.DuckDBPyConnection) -> None:
    import numpy

    bits = _BITS_OF_A_PART
    pairs = connection.execute(
        f"SELECT number << {bits} | part AS pair FROM fresh_word JOIN word_parts USING (word)"
    ).fetchnumpy()["pair"]
    # numpy sorts numbers in less time than DuckDB finds those that are there twice.
    pairs.sort()
    connection.register("once", _of_numbers(pair=pairs[numpy.flatnonzero(numpy.diff(pairs, prepend=-1))]))
    connection.execute(
        f"""
        CREATE TABLE fresh_part AS
        SELECT pair >> {bits} AS number, CAST(pair & ((1 << {bits}) - 1) AS INTEGER) AS part FROM once
        """
    )
    connection.unregister("once")


_BITS_OF_A_PART = 24


def _block_keys(word: str) -> str:
    from include.matching.levels import block_keys

    return block_keys(word)


def _of_numbers(**columns: Any) -> "arrow.Table":
    """A table of BIGINTs, each column from what holds them in memory."""
    import pyarrow as arrow

    # Not arrow.array(): it asks pandas what it was given, which takes longer to load than all of this room.
    return arrow.table(
        {
            name: arrow.Array.from_buffers(arrow.int64(), len(numbers), [None, arrow.py_buffer(numbers)])
            for name, numbers in columns.items()
        }
    )


def _level(connection: Database, what: str) -> None:
    """Put into `levels` how alike `what` is of the pairs in `compared` of whom both sides say it."""
    from include.matching.levels import level_of

    columns = {"name": ("person", "original", "father"), "called": ("person", "original")}.get(what, (what,))
    sides = ", ".join(f"{side}.{column}" for side in "cr" for column in columns)
    # Not as a function of DuckDB's: its threads would wait for each other in Python.
    rows = connection.execute(_UNLEVELLED.format(what=what, columns=sides)).fetchall()
    level = level_of(what)
    pairs, levels = array("q", (row[0] for row in rows)), array("q", (level(*row[1:]) for row in rows))
    connection.register("found", _of_numbers(pair=pairs, level=levels))
    connection.execute(f"INSERT INTO levels SELECT pair, '{what}', level FROM found")
    connection.unregister("found")
