"""The evidence of a pair as a keyed hash that names nobody: is it still what a person decided on?

Reach for `changed` with decisions in hand, for `fingerprints` to keep what is being decided on now.
"""

import hashlib
import hmac
import json
import unicodedata

import pandas as pd

from include.matching import references
from include.matching.candidates import READ

FIELDS = [column for column in READ if column not in ("final", "applied_on", "updated_at")]
"""What says who a person is. A changed list, or another way to normalise, reopens every decision once."""


def fingerprints(pairs: pd.DataFrame, cases: pd.DataFrame, register: pd.DataFrame, key: bytes) -> pd.Series:
    """For each pair an HMAC-SHA256, in hex, of what linking looks at in its case and its record.

    It does not depend on the model, nor on how names are spaced, capitalised or composed, or references punctuated.

    pairs: case_id, asylum_reference
    cases, register: the rows of the two extracts that the pairs name, and any others
    key: from `settings.hashing_key`; names and birth dates can be guessed, and guesses hashed
    returns: text in the index of `pairs`; None where the case or the record is not among the rows
    """
    of_cases, of_records = (
        _content(rows[rows[column].isin(pairs[column])], column)
        for rows, column in ((cases, "case_id"), (register, "asylum_reference"))
    )
    found = []
    for case, record in zip(pairs["case_id"], pairs["asylum_reference"], strict=True):
        both = [of_cases.get(case), of_records.get(record)]
        content = json.dumps(both, ensure_ascii=False).encode()
        found.append(None if None in both else hmac.new(key, content, hashlib.sha256).hexdigest())
    return pd.Series(found, index=pairs.index, dtype=object)


def changed(decisions: pd.DataFrame, cases: pd.DataFrame, register: pd.DataFrame, key: bytes) -> pd.Series:
    """Whether the evidence of each decision is another now. A case or record that is absent today changes nothing.

    decisions: case_id, asylum_reference, and `evidence` as `fingerprints` gave it when the decision was taken
    """
    now = fingerprints(decisions, cases, register, key)
    return now.notna() & now.ne(decisions["evidence"])


def _content(rows: pd.DataFrame, key: str) -> dict[str, list[str | None]]:
    # A file may leave out a column in which nobody has anything to say.
    rows = rows.reindex(columns=list({key: None} | dict.fromkeys(FIELDS)))
    columns = [[_normal(field, value) for value in rows[field]] for field in FIELDS]
    return dict(zip(rows[key], map(list, zip(*columns, strict=True)), strict=True))


def _normal(field: str, value: object) -> str | None:
    if pd.isna(value):  # type: ignore[call-overload]
        return None
    text = str(value)
    if field.endswith("_reference"):
        return references.plain(text) or None
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()) or None
