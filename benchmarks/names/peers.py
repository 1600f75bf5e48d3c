"""The peers' scores of labelled pairs, in the environment of peers.txt: `python peers.py PAIRS.csv TIMED.csv SCORES.json`.

TIMED.csv holds the pairs that are timed, after the labelled ones have warmed everything up.
"""

import csv
import importlib.metadata
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jellyfish
from followthemoney import model
from nomenklatura.matching import get_algorithm
from rapidfuzz import fuzz, utils


def logic_v2() -> Callable[[str, str], float]:
    algorithm = get_algorithm("logic-v2")
    config = algorithm.default_config()

    numbers = itertools.count()

    def person(name: str) -> object:
        # An id of its own for each: the algorithm remembers entities by their ids.
        return model.get_proxy({"id": f"p{next(numbers)}", "schema": "Person", "properties": {"name": [name]}})

    return lambda a, b: float(algorithm.compare(person(a), person(b), config).score)


def read(pairs: Path) -> list[tuple[str, str]]:
    with pairs.open(encoding="utf-8") as file:
        return [(row["one"], row["other"]) for row in csv.DictReader(file)]


def main(pairs: Path, timed: Path, out: Path) -> None:
    rows, others = read(pairs), read(timed)
    peers: dict[str, Callable[[str, str], float]] = {
        "nomenklatura logic-v2": logic_v2(),
        "rapidfuzz token sort": lambda a, b: fuzz.token_sort_ratio(a, b, processor=utils.default_process) / 100,
        "jellyfish Jaro-Winkler": lambda a, b: jellyfish.jaro_winkler_similarity(a.lower(), b.lower()),
    }
    found = {}
    for name, compare in peers.items():
        scores = [compare(a, b) for a, b in rows]
        begun = time.perf_counter()
        for a, b in others:
            compare(a, b)
        found[name] = {"scores": scores, "microseconds": (time.perf_counter() - begun) / len(others) * 1e6}
    versions = {name: importlib.metadata.version(name) for name in ("nomenklatura", "rapidfuzz", "jellyfish")}
    out.write_text(json.dumps({"peers": found, "versions": versions}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
