"""Is a list in proportion to its office's past? One that is not waits for a person, with figures and without names.

A file that was cut off, or a source that cancels everybody at once, shows first as a list out of all proportion.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.arrangements.models import Proportion

_LEEWAY = 1.1
"""How much the difference, taken anew, may have grown beyond what a person approved."""


@dataclass(frozen=True)
class Figures:
    """What a list is weighed by: counts, never names.

    notices: entries by notice
    open_entries: entries of the office that announce a departure which is still to come
    largest: entries of its largest list of the last 90 days
    first: whether the office never had a list
    missing: for each host country the open cases that went missing since the office's last list, and all open ones
    """

    notices: Mapping[str, int]
    open_entries: int
    largest: int
    first: bool
    missing: Mapping[str, tuple[int, int]]

    @property
    def entries(self) -> int:
        return sum(self.notices.values())

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self) | {"missing": {host: list(counts) for host, counts in self.missing.items()}}


def out_of_line(figures: Figures, allowed: Proportion) -> dict[str, str]:
    """What is out of proportion: each finding by its name, as a sentence. Nothing where the list may go."""
    found = {}
    if figures.first:
        found["first"] = "It is the office's first list."
    cancelled = figures.notices.get("CANCELLED", 0)
    if cancelled > allowed.at_least and cancelled > allowed.cancelled_share * figures.open_entries:
        found["cancelled"] = (
            f"It cancels {cancelled} of the {figures.open_entries} departures that the office expects "
            f"(more than {allowed.cancelled_share:.0%})."
        )
    if (
        not figures.first
        and figures.entries > allowed.at_least
        and figures.entries > allowed.times_largest * figures.largest
    ):
        found["size"] = (
            f"It has {figures.entries} entries; the largest list of the last 90 days had {figures.largest} "
            f"(more than {allowed.times_largest:g} times)."
        )
    for host, (missing, open_cases) in sorted(figures.missing.items()):
        if missing > allowed.missing_share * open_cases:
            found[f"missing {host}"] = (
                f"{missing} of the {open_cases} open cases of {host} have gone missing from its extracts "
                f"(more than {allowed.missing_share:.0%}): a file may have been cut off."
            )
    return found


def covered_by(figures: Figures, allowed: Proportion, approved: Mapping[str, Any]) -> bool:
    """Whether a person who approved the figures `approved` has seen what is out of proportion now."""
    before = Figures(**{**approved, "missing": {host: tuple(counts) for host, counts in approved["missing"].items()}})
    seen = out_of_line(before, allowed)
    grown = any(count > _LEEWAY * before.notices.get(notice, 0) + 1 for notice, count in figures.notices.items())
    return not grown and set(out_of_line(figures, allowed)) <= set(seen)
