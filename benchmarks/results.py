"""Printing a benchmark's tables and keeping them in `results/`, with the versions that ran."""

import importlib.metadata
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from include.settings import ROOT

FOLDER = ROOT / "benchmarks" / "results"
OURS = ("splink", "duckdb", "rigour", "rapidfuzz", "pandas", "pyarrow")


def save(
    name: str, tables: Mapping[str, Sequence[Mapping[str, Any]]], versions: Mapping[str, str], console: Console
) -> None:
    """Print `tables` (title to rows) and write them to `results/{name}.md` and `.json`."""
    versions = {package: importlib.metadata.version(package) for package in OURS} | dict(versions)
    lines = []
    for title, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        shown = Table(title=title, title_justify="left")
        for column in columns:
            shown.add_column(column)
        lines += [f"## {title}", "", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        for row in rows:
            cells = [str(row.get(column, "")) for column in columns]
            shown.add_row(*cells)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
        console.print(shown)
    ran_on = f"{os.cpu_count()} cores; " + ", ".join(f"{package} {version}" for package, version in versions.items())
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text("\n".join([*lines, ran_on]) + "\n", encoding="utf-8")
    content = {"cores": os.cpu_count(), "versions": versions, "tables": tables}
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
