"""The host countries of the sample world, read from `hosts.yaml`.

Reach for `load_host` to know who is there, who writes what down, and how references look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from include.sample.naming import Naming
from include.sample.people import Origin

HOSTS = Path(__file__).with_name("hosts.yaml")


@dataclass(frozen=True)
class Host:
    """One host country."""

    code: str
    timezone: str
    authority: str
    """The hand (`hands.yaml`) of the asylum authority."""
    capitals: bool
    clerk: str
    """The hand of IOM's clerk."""
    offices: Mapping[str, float]
    parents: Mapping[str, float]
    places: float
    reference: str
    nationalities: Mapping[str, float]

    @property
    def nationality_codes(self) -> list[str]:
        """Nationalities in the order that `People.nationality` counts."""
        return list(self.nationalities)

    def origins(self, naming: Naming) -> list[Origin]:
        """One entry for each nationality and naming habit."""
        return [
            Origin(number, habit, share * weight / sum(naming.of_nationality[nationality].values()))
            for number, (nationality, share) in enumerate(self.nationalities.items())
            for habit, weight in naming.of_nationality[nationality].items()
        ]


def load_host(code: str) -> Host:
    """The host country `code`, or the default one under that code."""
    known = _hosts()
    return Host(code=code, **known.get(code, known["default"]))


@cache
def _hosts() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.load(HOSTS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded
