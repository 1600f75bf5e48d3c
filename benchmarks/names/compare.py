"""Names alone: labelled pairs, this project's `name_similarity` beside its peers, by category.

`python -m benchmarks.names.compare` takes `pairs.csv`; `--pairs FILE` another file of the same columns (one, other,
same, strength, category), a public labelled set, say. Peers run in an environment of their own (`make .venv-peers`).
A peer's threshold is the one that gives it its best F1 on these very pairs; this project's is the documented one.
"""

import argparse
import csv
import datetime as dt
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.results import save
from include.matching.names import SAME_NAME, name_similarity
from include.sample.world import World
from include.settings import ROOT

HERE = Path(__file__).parent
PEERS = ROOT / ".venv-peers" / "bin" / "python"
OURS = "this project"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=Path, default=HERE / "pairs.csv")
    given = parser.parse_args()
    with given.pairs.open(encoding="utf-8") as file:
        pairs = list(csv.DictReader(file))
    same = [pair["same"] == "true" for pair in pairs]
    timed = _pairs_of_a_register()
    scores, microseconds, versions = _peers(given.pairs, timed)
    scores[OURS] = [name_similarity(pair["one"], pair["other"]) for pair in pairs]
    begun = time.perf_counter()
    for one, other in timed:
        name_similarity(one, other)
    microseconds[OURS] = (time.perf_counter() - begun) / len(timed) * 1e6

    rows = []
    thresholds = {}
    for engine in reversed(scores):
        best = SAME_NAME if engine == OURS else max(set(scores[engine]), key=lambda at: f1(scores[engine], same, at))
        thresholds[engine] = best
        counts = confusion(scores[engine], same, best)
        rows.append(
            {
                "engine": engine,
                "F1": round(f1(scores[engine], same, best), 3),
                "at": f"{best:.2f}",
                "found": counts[0],
                "wrongly": counts[1],
                "missed": counts[2],
                "µs a pair": round(microseconds[engine]),
            }
        )
    categories = []
    for label in (True, False):
        for category in sorted({pair["category"] for pair, one in zip(pairs, same, strict=True) if one is label}):
            chosen = [at for at, pair in enumerate(pairs) if pair["category"] == category and same[at] is label]
            right = {
                engine: sum((scores[engine][at] >= thresholds[engine]) is label for at in chosen)
                for engine in reversed(scores)
            }
            categories.append({"category": category, "are": "one" if label else "two", "pairs": len(chosen)} | right)
    title = f"Names alone: {len(pairs)} labelled pairs of {given.pairs.name}, {sum(same)} of one name"
    save(f"names_{given.pairs.stem}", {title: rows, "Right, by category": categories}, versions, Console())


def _pairs_of_a_register() -> list[tuple[str, str]]:
    """5,000 pairs that nobody has seen, to be timed: strangers, and both scripts of one person."""
    day = dt.date(2026, 11, 2)
    world = World(seed=4711, hosts=["TUR"], first_day=day, cases=40, register=10_000)
    rows = world.extract("TUR", "asylum_procedure", day).fillna("")
    names = (rows["given_names"] + " " + rows["family_name"]).tolist()
    strangers = list(zip(names[:2_500], names[2_500:5_000], strict=True))
    scripts = [pair for pair in zip(names[5_000:], rows["name_original_script"][5_000:], strict=True) if pair[1]]
    return strangers + scripts[:2_500]


def _peers(
    pairs: Path, timed: Sequence[tuple[str, str]]
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        out, others = Path(folder) / "scores.json", Path(folder) / "timed.csv"
        with others.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("one", "other"), *timed])
        subprocess.run([PEERS, HERE / "peers.py", pairs.resolve(), others, out], check=True)
        found = json.loads(out.read_text())
    scores = {name: peer["scores"] for name, peer in found["peers"].items()}
    return scores, {name: peer["microseconds"] for name, peer in found["peers"].items()}, found["versions"]


def confusion(scores: Sequence[float], same: Sequence[bool], at: float) -> tuple[int, int, int]:
    """Found, wrongly found and missed at a threshold."""
    taken = [score >= at for score in scores]
    found = sum(one and label for one, label in zip(taken, same, strict=True))
    return found, sum(taken) - found, sum(same) - found


def f1(scores: Sequence[float], same: Sequence[bool], at: float) -> float:
    found, wrongly, missed = confusion(scores, same, at)
    return 2 * found / (2 * found + wrongly + missed)


if __name__ == "__main__":
    main()
