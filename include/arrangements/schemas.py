"""JSON Schemas from the models, so that an editor completes and checks the YAML as it is written."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from include.arrangements.framework import Framework
from include.arrangements.models import Arrangement, CooperationReview, Source
from include.arrangements.rules import Policy


class _Sources(BaseModel):
    """Where a host country's extracts come from, `sources/{HOST}.yaml`: one entry for each kind."""

    model_config = ConfigDict(extra="forbid")

    sources: list[Source]


def schemas() -> dict[str, dict[str, Any]]:
    """Each schema by its file name."""
    return {
        "arrangement.schema.json": Arrangement.model_json_schema(by_alias=True),
        "framework.schema.json": Framework.model_json_schema(),
        "persons_of_concern.schema.json": Policy.model_json_schema(by_alias=True),
        "review.schema.json": CooperationReview.model_json_schema(),
        "sources.schema.json": _Sources.model_json_schema(),
    }


def write_schemas(folder: Path) -> None:
    """Write the schemas into `folder`, for the first line of each YAML to name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
