"""What docker-compose.yml says, as `docker compose config` would render it: anchors, merges and `${…}`.

Reach for `services` to look at one, and for `image_environment` to see what the image adds.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from include.settings import ROOT

FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Z_]+)(?::-(?P<default>[^}]*))?\})")


def render(variables: Mapping[str, str]) -> dict[str, Any]:
    """The whole file. variables: what `.env` would set; an empty one counts as not set, as `:-` has it."""
    return _interpolated(yaml.safe_load(FILE.read_text()), variables)


def services(variables: Mapping[str, str], profile: str | None = None) -> dict[str, dict[str, Any]]:
    """The services that `docker compose up` starts, or `docker compose --profile PROFILE up`."""
    found = render(variables)["services"]
    return {name: one for name, one in found.items() if profile in one.get("profiles", [profile])}


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last stage sets."""
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in joined.rpartition("\nFROM ")[2].splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in lines for pair in line.split()[1:])


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _interpolated(one, variables) for name, one in value.items()}
    if isinstance(value, list):
        return [_interpolated(one, variables) for one in value]
    if not isinstance(value, str):
        return value

    def set_to(found: re.Match[str]) -> str:
        if found["name"] is None:
            return "$"
        return variables.get(found["name"]) or found["default"] or ""

    return _VARIABLE.sub(set_to, value)
