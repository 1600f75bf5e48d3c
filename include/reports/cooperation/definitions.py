"""What each figure of the review is called and means, from `figures.yaml`.

Reach for `sections` for the figures in their order. docs/review.md and the review's own last pages say the same.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

FIGURES = Path(__file__).parent / "figures.yaml"
KEYS = {
    "host_country": "The host country of the case, as ISO 3166-1 alpha-3; `ALL` is all of them, counted anew: a list "
    "of two host countries is in both and once in all, and a median is not a sum.",
    "month": "A month of the period, `YYYY-MM`; its first and last may be in part.",
    "days_from": "The fewest days of a band of lead times; empty: any. Negative: the day had passed.",
    "days_to": "The most days of the band; empty: any.",
}
"""What the tables are by."""


@dataclass(frozen=True)
class Figure:
    """One figure: its CSV column, its heading on a page, and its meaning."""

    name: str
    label: str
    means: str


@dataclass(frozen=True)
class Section:
    """Figures that belong together, and what they are about."""

    title: str
    about: str
    figures: tuple[Figure, ...]


@lru_cache
def sections() -> tuple[Section, ...]:
    """All sections, in the order in which the review tells them."""
    written = yaml.safe_load(FIGURES.read_text(encoding="utf-8"))
    return tuple(
        Section(
            title=section["title"],
            about=section["about"],
            figures=tuple(Figure(name, **figure) for name, figure in section["figures"].items()),
        )
        for section in written
    )


def figure_names() -> list[str]:
    """The names of all figures, in order."""
    return [figure.name for section in sections() for figure in section.figures]
