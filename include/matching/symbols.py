"""Which names one part of a name stands for: محمد, Mohammad and Muhammed are one, by rigour's corpus of person names.

The corpus is Wikidata's, as `rigour` publishes it. rigour itself loads all of it into each process, some ten seconds
and 400 MiB; this room keeps what spelling alone does not show, in `symbols.arrow`: docs/decisions/name-symbols.md.

`python -m include.matching.symbols person_names.txt` makes that file anew from `rust/data/names/person_names.txt` of
rigour's source, at the version that requirements.txt pins.
"""

import importlib.metadata
import sys
from bisect import bisect_left
from functools import cache
from pathlib import Path

import pyarrow as arrow
from pyarrow import feather

_FILE = Path(__file__).parent / "symbols.arrow"
_NONE: frozenset[int] = frozenset()


def of(form: str) -> frozenset[int]:
    """The names (numbers of Wikidata's items) that `form` is a spelling of; `form` in lower case, any script."""
    forms, names = _table()
    # They are in order, and few are asked for: a dict of all would be long to make.
    at = bisect_left(forms, form)
    return frozenset(names[at].as_py()) if forms[at : at + 1] == [form] else _NONE


@cache
def _table() -> tuple[list[str], arrow.ChunkedArray]:
    table = feather.read_table(_FILE)
    return table["form"].to_pylist(), table["names"]


def build(corpus: Path, out: Path = _FILE) -> int:
    """Write `out` from rigour's corpus, lines of the form `form, form, … => Q123`; returns the number of forms.

    Left out: forms of several words, and names whose spellings all have one skeleton, which `names` sees by itself.
    """
    from include.matching.names import skeleton_of

    names: dict[str, set[int]] = {}
    for line in corpus.read_text(encoding="utf-8").splitlines():
        spelt, _, item = line.rpartition(" => Q")
        forms = [form for form in spelt.split(", ") if form.isalpha() or not set(form) & set(" -'’.,")]
        if len({skeleton_of(form) for form in forms}) > 1:
            for form in forms:
                names.setdefault(form, set()).add(int(item))
    forms = sorted(names)
    table = arrow.table(
        {
            "form": arrow.array(forms, arrow.string()),
            "names": arrow.array([sorted(names[form]) for form in forms], arrow.list_(arrow.uint32())),
        }
    ).replace_schema_metadata({"source": f"rigour {importlib.metadata.version('rigour')}, person_names.txt"})
    feather.write_feather(table, str(out), compression="zstd", compression_level=19)
    return len(forms)


if __name__ == "__main__":
    sys.stdout.write(f"{build(Path(sys.argv[1])):,} forms written to {_FILE}\n")
