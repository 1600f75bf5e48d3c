"""What the DAGs ask of this room: link a partition, and keep its links for the room that decides."""

import hmac
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from include.extracts.partition import good_rows
from include.ledger import reviews
from include.ledger.engine import reading
from include.ledger.intake import Partition, both_extracts
from include.ledger.models import Extract
from include.matching.cache import cache_file
from include.matching.candidates import READ
from include.matching.fingerprint import changed
from include.matching.linkage import MODEL_VERSION, link
from include.settings import data_folder, hashing_key, spark_master, write_private


def link_partition(key: str) -> dict[str, int]:
    """Link every case of the partition to the register of its day, but for pairs that a person rejected.

    What was linked before, with the same pairs rejected, is not linked again.

    returns: counts by decision
    raises: NotPulled if an extract of the partition is not in
    """
    partition = Partition.of(key)
    with reading() as session:
        cases, procedure = both_extracts(session, partition)
        decisions = reviews.in_force(session, partition.host_country)
    people = good_rows(partition, cases)
    rejected = decisions[decisions["decision"] == "reject"]
    if len(rejected):
        rejected = rejected[~changed(rejected, people, good_rows(partition, procedure, READ), hashing_key())]
    # Left out already here: the next best come to a person in their place, or their person is free for another case.
    apart = set(zip(rejected["case_id"], rejected["asylum_reference"], strict=True))
    path, of = _links_path(partition, cases, procedure), _fingerprint(people, apart)
    links = pd.read_parquet(path) if path.exists() else None
    if links is None or links.attrs.get("of") != of:
        kept = cache_file(f"partition-{partition.host_country}")
        register = good_rows(partition, procedure, READ)
        links = link(people, register, apart=apart, kept=kept, spark=spark_master())
        links.attrs["of"] = of
        write_private(path, links.to_parquet(index=False))
    return {str(decision): int(rows) for decision, rows in links["decision"].value_counts().items()}


def _fingerprint(people: pd.DataFrame, apart: Collection[tuple[str, str]]) -> str:
    """Of what may differ when two extracts are linked again: who was erased since, and which pairs are rejected."""
    of = "\n".join([*sorted(people["case_id"]), *("\t".join(pair) for pair in sorted(apart))])
    return hmac.digest(hashing_key(), of.encode(), "sha256").hex()


def linked(partition: Partition, cases: Extract, procedure: Extract) -> tuple[pd.DataFrame, str]:
    """The links of these two extracts, as `link` gave them, and the version of the model that made them.

    raises: FileNotFoundError if they were not linked, or not by the present model: `link_partition` comes first
    """
    return pd.read_parquet(_links_path(partition, cases, procedure)), MODEL_VERSION


def _links_path(partition: Partition, cases: Extract, procedure: Extract) -> Path:
    folder = data_folder() / "links" / partition.host_country / partition.day.isoformat()
    return folder / f"{cases.sha256[:16]}-{procedure.sha256[:16]}-{MODEL_VERSION}.parquet"
