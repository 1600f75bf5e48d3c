"""What a source says of its own file: how a cut-off file and a truly empty day are told apart."""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.extracts.refused import ExtractRefused

_BLOCK = 1 << 20


class Manifest(BaseModel):
    """`{file}.manifest.json`: the number of rows without the header, and the SHA-256 of the bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    rows: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


def parse_manifest(content: bytes, file: str) -> Manifest:
    """The manifest of `file`.

    raises: ExtractRefused if it is not JSON of the form `{"rows": 1840, "sha256": "…64 hexadecimal digits…"}`
    """
    try:
        return Manifest.model_validate_json(content)
    except ValidationError:
        form = '{"rows": 1840, "sha256": "64 hexadecimal digits"}'
        raise ExtractRefused(file, [f"its manifest does not have the form {form}"]) from None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
