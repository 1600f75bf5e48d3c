"""What a DAG asks of this room: decide a partition, as a whole or not at all. And what its rules looked at, again."""

import datetime as dt
from collections.abc import Collection

import pandas as pd

from include.arrangements.reading import in_force, load_offices, load_policy, version
from include.casework import concern
from include.casework.standings import decide, settle_matches
from include.extracts.partition import good_rows
from include.ledger import caseload, reviews
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition, both_extracts
from include.matching.candidates import READ
from include.matching.fingerprint import changed
from include.matching.partition import linked
from include.settings import arrangements_folder, hashing_key

RECORD_COLUMNS = ["asylum_reference", "applied_on", "stage", "outcome", "outcome_on", "final"]


def decide_partition(key: str, now: dt.datetime) -> dict[str, int]:
    """Give every case of the partition its standing and write the ledger in one transaction.

    returns: rows by standing, those in quarantine (`unusable`) and of erased cases (`erased`) included
    raises: NotPulled if an extract of the partition is not in
    """
    partition = Partition.of(key)
    with writing() as session:
        cases_extract, procedure_extract = both_extracts(session, partition)
        cases = good_rows(partition, cases_extract)
        links, model_version = linked(partition, cases_extract, procedure_extract)
        links = links[links["case_id"].isin(cases["case_id"])]  # who was erased meanwhile is in none
        host = partition.host_country
        known, decisions = caseload.open_accepts(session, host), reviews.in_force(session, host)
        named = {reference for table in (links, known, decisions) for reference in table["asylum_reference"]}
        register = good_rows(
            partition,
            procedure_extract,
            list(dict.fromkeys([*RECORD_COLUMNS, *READ])),
            asylum_references=named,
        )
        records = _records(register[RECORD_COLUMNS], caseload.procedure_records(session, host), named)
        decisions["changed"] = changed(decisions, cases, register, hashing_key())
        told = caseload.told_cases(session, host)
        matches = settle_matches(links, known, told, decisions, records)
        # Other people's records are not kept.
        records = records[records["asylum_reference"].isin(matches["asylum_reference"])]
        offices = _offices(cases, partition)
        decided = decide(cases, matches, records, offices)
        policy = in_force(load_policy(arrangements_folder())[0], partition.day)
        found = concern.applies(concern.facts(cases, decided, records, told), policy)
        asked = concern.measures(found, policy)
        decided = decided.assign(
            marked=concern.join_marks(decided["marked"], asked["marked"]),
            concerns=asked["concerns"],
            urgent=asked["urgent"],
            review=asked["review"],
        )
        rows = cases.rename(columns={"asylum_reference": "typed_asylum_reference"}).merge(
            decided.drop(columns="asylum_reference"), on="case_id", validate="one_to_one"
        )
        without_office = int((decided["to_tell"] & ~offices["covered"].to_numpy()).sum())
        return caseload.write_day(
            session,
            partition,
            cases=rows,
            matches=matches,
            register=records,
            unusable=cases_extract.quarantined_count,
            erased=cases_extract.good_count - len(cases),
            without_office=without_office,
            model_version=model_version,
            policy_version=version(policy) if policy else None,
            now=now,
        )


def facts_of(partition: Partition) -> pd.DataFrame:
    """What the rules on persons of concern look at (`concern.facts`) on a reconciled day, as matches were then.

    raises: NotPulled if an extract of the partition is not in; FileNotFoundError if its bytes were erased
    """
    host, day = partition.host_country, partition.day
    with reading() as session:
        cases_extract, procedure_extract = both_extracts(session, partition)
        matches = caseload.accepts_on(session, host, day)
        known = caseload.procedure_records(session, host)
        told = caseload.told_cases(session, host, until=day)
    cases, named = good_rows(partition, cases_extract), set(matches["asylum_reference"])
    register = good_rows(partition, procedure_extract, RECORD_COLUMNS, asylum_references=named)
    records = _records(register, known, named)
    return concern.facts(cases, decide(cases, matches, records, _offices(cases, partition)), records, told)


def _records(today: pd.DataFrame, known: pd.DataFrame, references: Collection[str]) -> pd.DataFrame:
    """The records of these references: as the register has them today, or as they were when they left it."""
    earlier = known.loc[known["asylum_reference"].isin(references), RECORD_COLUMNS]
    gone = earlier[~earlier["asylum_reference"].isin(today["asylum_reference"])]
    return pd.concat([today, gone.astype(today.dtypes.to_dict())], ignore_index=True) if len(gone) else today


def _offices(cases: pd.DataFrame, partition: Partition) -> pd.DataFrame:
    """For each case: does an office hear of it (`covered`), and only with consent (`consent_required`)?"""
    offices, _ = load_offices(arrangements_folder())
    arrangements = [found for versions in offices.values() if (found := in_force(versions, partition.day))]
    answers = {}
    for iom_office in cases["iom_office"].drop_duplicates():
        code = None if pd.isna(iom_office) else iom_office
        covering = [found for found in arrangements if found.covers(partition.host_country, code)]
        # Where one office may hear of a case without consent, the case is not held back from that one.
        required = bool(covering) and all(found.consent == "required" for found in covering)
        answers[code] = (bool(covering), required)
    keys = [None if pd.isna(code) else code for code in cases["iom_office"]]
    return pd.DataFrame(
        {
            "case_id": cases["case_id"],
            "covered": [answers[code][0] for code in keys],
            "consent_required": [answers[code][1] for code in keys],
        }
    )
