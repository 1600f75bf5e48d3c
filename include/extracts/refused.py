"""The one error of this room: a file that is refused whole.

Reach for this to catch a refused extract, or to refuse one. Its text never holds a cell of the file.
"""

from collections.abc import Sequence


class ExtractRefused(ValueError):
    """Nothing of the file is used. `file` is what the source calls it, `reasons` are clauses without any cell."""

    def __init__(self, file: str, reasons: Sequence[str]) -> None:
        super().__init__(file, tuple(reasons))
        self.file = file
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return f"{self.file} is refused whole: {'; '.join(self.reasons)}. Nothing of it was used."
