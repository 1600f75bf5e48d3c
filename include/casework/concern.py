"""Persons of concern: which of headquarters' rules mean which case, and what the office's arrangement adds.

Reach for `facts` and `applies` to see whom a rule means on a day, for `measures` to see what follows, for `add_local`
to see what one office has more. Doubt is decided for the rule: who may be meant is meant.
"""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from include.arrangements.rules import Age, Condition, Policy

CASE_FIELDS = (
    "registered_on",
    "date_of_birth",
    "sex",
    "nationality",
    "vulnerabilities",
    "destination_country",
    "status",
)
PROCEDURE_FIELDS = ("stage", "outcome", "final")
_CODES = ("nationality", "sex", "destination_country", "status", "stage", "outcome", "standing")
TELLABLE = ("pending", "rejected", "recognised", "withdrawn_claim")
"""The standings of who is in the register: the rules are for them. Of others no list may say anything."""


def facts(cases: pd.DataFrame, decided: pd.DataFrame, records: pd.DataFrame, told: pd.Series) -> pd.DataFrame:
    """What the rules look at, one row for each case.

    cases: the good rows of the extract (case_id, CASE_FIELDS)
    decided: what `standings.decide` made of them
    records: the procedure records that `decided` names (asylum_reference, PROCEDURE_FIELDS)
    told: case_id of each case that an office has been told of
    returns: in the order of `cases`: case_id, CASE_FIELDS, PROCEDURE_FIELDS, `standing` as it is with consent, and
        `concerned`: whether an office is told of the case, or was. Of nobody else anything is found out.
    """
    table = (
        cases[["case_id", *CASE_FIELDS]]
        .merge(
            decided[["case_id", "asylum_reference", "standing_with_consent", "to_tell"]],
            on="case_id",
            how="left",
            validate="one_to_one",
        )
        .merge(
            records[["asylum_reference", *PROCEDURE_FIELDS]], on="asylum_reference", how="left", validate="many_to_one"
        )
    )
    followed = table["to_tell"].astype(bool) | table["case_id"].isin(told)
    return table.assign(
        standing=table["standing_with_consent"],
        concerned=followed & table["standing_with_consent"].isin(TELLABLE),
    )[["case_id", *CASE_FIELDS, *PROCEDURE_FIELDS, "standing", "concerned"]]


def applies(of: pd.DataFrame, policy: Policy | None) -> pd.DataFrame:
    """Whether each rule of the policy (a column each, by name) means each case (a row of `facts` each)."""
    rules = sorted(policy.rules, key=lambda rule: rule.name) if policy else []
    meant = {rule.name: of["concerned"] & _holds(of, rule.when)[1] for rule in rules}
    return pd.DataFrame(meant, index=of.index, dtype=bool)


def measures(found: pd.DataFrame, policy: Policy | None) -> pd.DataFrame:
    """What follows from the rules that apply.

    found: from `applies`, by the same policy
    returns: in the index of `found`, `concerns` (the rules that apply), `marked` (those that flag) and `review` (those
        for which a person looks first), names with `;` between them, and `urgent`, whether one says so
    """
    asked = {rule.name: rule.measures for rule in policy.rules} if policy else {}
    flagging = [name for name in found.columns if "flag" in asked[name]]
    looking = [name for name in found.columns if "review" in asked[name]]
    hurrying = [name for name in found.columns if "urgent" in asked[name]]
    return pd.DataFrame(
        {
            "concerns": _names(found),
            "marked": _names(found[flagging]),
            "urgent": found[hurrying].any(axis=1).astype(bool),
            "review": _names(found[looking]),
        },
        index=found.index,
    )


def add_local(cases: pd.DataFrame, local: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """`cases` with what an office's arrangement has more. It takes nothing away, whatever it says.

    cases: with `concerns`, `marked`, `urgent` and `review` as the ledger has them
    local: measures by rule; of a rule that headquarters has not, nothing comes
    """
    marked, urgent, review = cases["marked"].astype(str), cases["urgent"].astype(bool), cases["review"].astype(str)
    for rule in sorted(local):
        meant = cases["concerns"].str.split(";").map(lambda names, rule=rule: rule in names).astype(bool)
        named = pd.Series(rule, index=cases.index).where(meant, "")
        if "flag" in local[rule]:
            marked = join_marks(marked, named)
        if "review" in local[rule]:
            review = join_marks(review, named)
        if "urgent" in local[rule]:
            urgent |= meant
    return cases.assign(marked=marked, urgent=urgent, review=review)


def join_marks(marks: pd.Series, more: pd.Series) -> pd.Series:
    """Names with `;` between them, those of `marks` first and none twice."""
    both = [";".join(dict.fromkeys(filter(None, f"{a};{b}".split(";")))) for a, b in zip(marks, more, strict=True)]
    return pd.Series(both, index=marks.index, dtype="str")


def _names(found: pd.DataFrame) -> pd.Series:
    names = pd.Series("", index=found.index, dtype="str")
    for name in found.columns:
        names = names.mask(found[name], names.where(names.eq(""), names + ";") + name)
    return names


def _holds(of: pd.DataFrame, condition: Condition) -> tuple[pd.Series, pd.Series]:
    """Whether the condition surely holds, and whether it may hold, for each row."""
    surely, maybe = pd.Series(True, index=of.index), pd.Series(True, index=of.index)
    parts = [_same(_one_of(of, field, values)) for field in _CODES if (values := getattr(condition, field))]
    if condition.final is not None:
        parts.append(_same(of["final"].astype("boolean").eq(condition.final).fillna(False).astype(bool)))
    if condition.vulnerabilities:
        parts.append(_same(_has_code(of["vulnerabilities"], condition.vulnerabilities)))
    if condition.age:
        parts.append(_of_age(of, condition.age))
    parts += [_holds(of, inner) for inner in condition.all_of or ()]
    if condition.any_of:
        inner = [_holds(of, one) for one in condition.any_of]
        parts.append((_any(sure for sure, _ in inner), _any(may for _, may in inner)))
    if condition.not_:
        sure, may = _holds(of, condition.not_)
        parts.append((~may, ~sure))
    for sure, may in parts:
        surely, maybe = surely & sure, maybe & may
    return surely, maybe


def _same(known: pd.Series) -> tuple[pd.Series, pd.Series]:
    return known, known


def _any(columns: Iterable[pd.Series]) -> pd.Series:
    return pd.concat(list(columns), axis=1).any(axis=1)


def _one_of(of: pd.DataFrame, field: str, values: Collection[str]) -> pd.Series:
    return of[field].fillna("unknown").isin(values)


def _has_code(codes: pd.Series, wanted: Collection[str]) -> pd.Series:
    return codes.fillna("").astype("str").str.contains(f"(?:^|[; ])(?:{'|'.join(wanted)})(?:[; ]|$)").astype(bool)


def _of_age(of: pd.DataFrame, age: Age) -> tuple[pd.Series, pd.Series]:
    written = of["date_of_birth"].astype("str")
    # 1 January is what is written where only the year is known.
    written = written.mask(written.str.endswith("-01-01").fillna(False).astype(bool), written.str.slice(0, 4))
    length = written.str.len()
    first = pd.to_datetime(
        written.mask(length == 4, written + "-01-01").mask(length == 7, written + "-01"), format="%Y-%m-%d"
    )
    last_month = first.dt.month.mask(length == 4, 12)
    last_day = first.dt.day.mask(length == 7, first.dt.days_in_month).mask(length == 4, 31)
    registered = _number(of["registered_on"].dt.year, of["registered_on"].dt.month, of["registered_on"].dt.day)
    oldest = (registered - _number(first.dt.year, first.dt.month, first.dt.day)) // 10_000
    youngest = (registered - _number(first.dt.year, last_month, last_day)) // 10_000
    lowest, beyond = age.at_least or -1_000, age.below or 1_000
    unknown = first.isna() & age.or_unknown
    return (youngest.ge(lowest) & oldest.lt(beyond)) | unknown, (oldest.ge(lowest) & youngest.lt(beyond)) | unknown


def _number(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    """A day as a number such as 20261124: the difference of two, without its last four digits, is full years."""
    return year * 10_000 + month * 100 + day
