"""How a delivery can end. Texts and proofs hold no personal data, and no recipient's address."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivered:
    """The other side has the files. `proof` says how that is known."""

    proof: dict[str, str | int]


class DeliveryFailed(RuntimeError):
    """The other side does not have it: it may be sent again."""


class DeliveryUnknown(RuntimeError):
    """The line was cut when the other side may have had it already: sending again finds out, or repeats one message."""


class DeliveryRefused(RuntimeError):
    """The other side says no, and will say so again: a person must look."""
