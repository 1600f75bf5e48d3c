"""Which records of a register may be a case's person at all, and what speaks for and against each.

Reach for this to see by which keys a pair can meet, and what is compared. DuckDB touches the whole register; Python
sees each distinct word once and, of the pairs, the names of those whose other evidence leaves room for a match.
"""

import duckdb
import pyarrow as arrow

from include.matching import birthdates, model, references
from include.matching.names import ANOTHER_NAME, SAME_NAME, block_key, contradict, likeness, name_similarity

_UNKNOWN_NATIONALITIES = ("XXA", "XXB", "XXC", "XXX")
_YEARS_AROUND = 2
_MOST_NAMED = 15
"""Of a case's candidates so many are compared by name: whoever is not among them has fewer or commoner parts of the
name, and less of the other evidence, than all of those. A person looks at five at most."""
_BREAKS = "-–—_.,;:/()|"
_SILENT_SIGNS = "'’‘ʿʾ`´\"\u200c\u200d\u0640"
READ = (
    "family_name given_names name_original_script father_name mother_name place_of_birth date_of_birth sex nationality "
    "asylum_reference unhcr_reference final applied_on updated_at"
).split()
"""The columns of an extract that linking looks at, beside the row's key."""
_BETWEEN = "\n"
"""Between the spellings of one name; no cell of an extract holds it."""

EVIDENCE = ["name", "birth_date", "reference", "unhcr_reference", "sex", "nationality", "father", "mother", "place"]
"""The columns of `compared`: levels of agreement, -1 where a side does not say, 0 where the two contradict, and more
the more they agree; `name`, `father`, `mother` and `place` up to 3, `birth_date` as in birthdates, `reference` 1 where
a sign is off and 2 where none is."""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection what the queries of this room call."""
    birthdates.define(connection)
    connection.create_function("plain_reference", references.plain, ["VARCHAR"], "VARCHAR")
    connection.create_function("block_key", _block_keys, ["VARCHAR"], "VARCHAR", type="arrow")
    connection.create_function("name_level", _name_levels, ["VARCHAR"] * 3, "INTEGER", type="arrow")
    connection.create_function("elder_level", _elder_levels, ["VARCHAR"] * 2, "INTEGER", type="arrow")
    signs, read_as = references.LOOK_ALIKE
    breaks, spaces = (_BREAKS + _SILENT_SIGNS).replace("'", "''"), " " * len(_BREAKS)
    connection.execute(
        f"""
        CREATE MACRO words_of(person, original) AS
            string_split(translate(lower(concat_ws(' ', person, original)), '{breaks}', '{spaces}'), ' ');
        CREATE MACRO one_name(person) AS
            length(person) - length(replace(person, ' ', '')) <= CAST(starts_with(lower(person), 'abd') AS INTEGER);
        CREATE MACRO alike(reference) AS translate(reference, '{signs}', '{read_as}');
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
        plain = f"regexp_replace(upper({value}), '[^0-9A-Z]', '', 'g')"
        short = f"CASE WHEN length({plain}) >= {references.SHORTEST} THEN {plain} END"
        typed = f"nullif(plain_reference({value}), '')"
        return (
            f"CASE WHEN {value} IS NULL THEN NULL WHEN strlen({value}) = length({value}) THEN {short} ELSE {typed} END"
        )

    unknown = ", ".join(f"'{code}'" for code in _UNKNOWN_NATIONALITIES)
    born, sex, nationality = column("date_of_birth"), column("sex"), column("nationality")
    # Not row_number(): it would read the file on one core.
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


def compare(connection: duckdb.DuckDBPyConnection, *, least: float = model.LEAST_WEIGHT) -> None:
    """Make `compared` from what met: `pair`, `case_id`, `record_id`, `rarity` and EVIDENCE.

    Left out is who cannot come near a match even if every name agrees.

    least: the match weight that a pair must be able to reach
    `rarity`: how rare the case's name is among the register's people of the nationality, in powers of ten
    """
    size = connection.execute("SELECT count(*) FROM register").fetchall()[0][0]
    weight = model.weight(size)
    connection.execute(_COMPARED.format(weight=weight, least=least, between=_BETWEEN, most=_MOST_NAMED))


_PARTS = """
CREATE TABLE wanted AS
SELECT skeleton, CAST(row_number() OVER () AS INTEGER) AS part FROM (
    SELECT DISTINCT block_key(word) AS skeleton
    FROM (SELECT DISTINCT unnest(words_of(person, original)) AS word FROM cases))
WHERE skeleton <> '';
""" + "".join(
    f"""
CREATE TABLE {table}_word AS SELECT id, unnest(words_of(person, original)) AS word FROM {table};
CREATE TABLE {table}_part AS
WITH words AS (
    SELECT word, part FROM (SELECT word, block_key(word) AS skeleton FROM (SELECT DISTINCT word FROM {table}_word))
    JOIN wanted USING (skeleton))
SELECT id, part, birth_date, nationality, one_name(person) AS alone
FROM (SELECT DISTINCT id, part FROM {table}_word JOIN words USING (word)) JOIN {table} USING (id);
DROP TABLE {table}_word;
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

_COMPARED = """
CREATE TABLE hoped AS
WITH whole AS (SELECT id AS case_id, sum(rarity) AS whole FROM rarities GROUP BY id),
    shared AS (
        SELECT case_id, record_id, sum(rarity) AS shared
        FROM met JOIN rarities c ON c.id = case_id JOIN register_part r ON r.id = record_id AND r.part = c.part
        GROUP BY ALL)
SELECT * FROM (
    SELECT case_id, record_id, (coalesce(whole, 0) + coalesce(shared, 0)) / 2 AS rarity,
        coalesce(shared, 0) AS shared,
        CASE WHEN c.person IS NULL OR r.person IS NULL THEN -1 ELSE 3 END AS name,
        birth_level(c.birth_date, r.birth_date) AS birth_date,
        CASE WHEN c.reference IS NULL OR r.reference IS NULL THEN -1 WHEN c.reference = r.reference THEN 2
            WHEN alike(c.reference) = alike(r.reference) OR damerau_levenshtein(c.reference, r.reference) = 1 THEN 1
            ELSE 0 END AS reference,
        coalesce(CAST(c.unhcr_reference = r.unhcr_reference AS INTEGER), -1) AS unhcr_reference,
        coalesce(CAST(c.sex = r.sex AS INTEGER), -1) AS sex,
        coalesce(CAST(c.nationality = r.nationality AS INTEGER), -1) AS nationality,
        CASE WHEN c.father IS NULL OR r.father IS NULL THEN -1 ELSE 3 END AS father,
        CASE WHEN c.mother IS NULL OR r.mother IS NULL THEN -1 ELSE 3 END AS mother,
        CASE WHEN c.place IS NULL OR r.place IS NULL THEN -1 ELSE 3 END AS place
    FROM met JOIN cases c ON c.id = case_id JOIN register r ON r.id = record_id
    LEFT JOIN whole USING (case_id) LEFT JOIN shared USING (case_id, record_id))
WHERE reference = 2 OR {weight} >= {least}
QUALIFY reference = 2 OR row_number() OVER (PARTITION BY case_id ORDER BY {weight} DESC, record_id) <= {most};
CREATE TABLE named AS
SELECT * FROM (
    SELECT h.* REPLACE (CASE WHEN name < 0 THEN -1 ELSE name_level(
        concat_ws('{between}', c.person, c.original), concat_ws('{between}', r.person, r.original),
        concat_ws('{between}', c.father, r.father)) END AS name)
    FROM hoped h JOIN cases c ON c.id = case_id JOIN register r ON r.id = record_id)
WHERE reference = 2 OR {weight} >= {least};
CREATE TABLE compared AS
SELECT row_number() OVER () AS pair, n.* REPLACE (
    CASE WHEN n.father < 0 THEN -1 ELSE elder_level(c.father, r.father) END AS father,
    CASE WHEN n.mother < 0 THEN -1 ELSE elder_level(c.mother, r.mother) END AS mother,
    CASE WHEN n.place < 0 THEN -1 ELSE elder_level(c.place, r.place) END AS place)
FROM named n JOIN cases c ON c.id = case_id JOIN register r ON r.id = record_id;
DROP TABLE hoped;
DROP TABLE named;
"""


def _block_keys(words: arrow.Array) -> arrow.Array:
    return arrow.array([block_key(word) for word in words.to_pylist()], arrow.string())


def _name_levels(one: arrow.Array, other: arrow.Array, fathers: arrow.Array) -> arrow.Array:
    rows = zip(one.to_pylist(), other.to_pylist(), fathers.to_pylist(), strict=True)
    likenesses = (likeness(a.split(_BETWEEN), b.split(_BETWEEN), f.split(_BETWEEN)) for a, b, f in rows)
    return arrow.array(map(_level, likenesses), arrow.int32())


def _elder_levels(one: arrow.Array, other: arrow.Array) -> arrow.Array:
    levels = [
        _level(name_similarity(a, b)) or int(not contradict(a, b))
        for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)
    ]
    return arrow.array(levels, arrow.int32())


def _level(likeness: float) -> int:
    return 3 if likeness >= 0.92 else 2 if likeness >= SAME_NAME else 1 if likeness >= ANOTHER_NAME else 0
