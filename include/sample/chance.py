"""Chance that comes out the same everywhere: a number is a function of seed, purpose and id, never of what came before.

Reach for `Chance` to draw for whole arrays of people or records at once, for `Dice` to decide about one thing after
the other. Because nothing is used up, any part of the world can be made again alone, in any order. The mixing is
SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Thing = TypeVar("Thing")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Chance:
    """Draws for arrays of ids. `purpose` keeps draws about different things apart."""

    def __init__(self, seed: int, *path: str) -> None:
        self._path = "/".join((str(seed), *path))
        self._seed = seed
        self._names = path

    def child(self, *path: str) -> "Chance":
        """The chance of a part of the world, independent of every other part."""
        return Chance(self._seed, *self._names, *path)

    def uniform(self, purpose: str, ids: Ints) -> Floats:
        """One number in [0, 1) for each id."""
        digest = hashlib.blake2b(f"{self._path}/{purpose}".encode(), digest_size=8).digest()
        # Array arithmetic wraps around at 64 bits without a warning, as SplitMix64 wants it.
        z = np.asarray(ids, dtype=np.int64).astype(np.uint64) * _GOLDEN + np.frombuffer(digest, dtype="<u8")
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
        z ^= z >> np.uint64(31)
        return (z >> np.uint64(11)) * 2.0**-53

    def whole(self, purpose: str, ids: Ints, low: int, high: int) -> Ints:
        """One whole number in [low, high) for each id."""
        return low + np.floor(self.uniform(purpose, ids) * (high - low)).astype(np.int64)

    def below(self, purpose: str, ids: Ints, share: "float | Floats") -> Truths:
        """True for about `share` of the ids."""
        return self.uniform(purpose, ids) < share

    def weighted(self, purpose: str, ids: Ints, weights: "Sequence[float] | Floats") -> Ints:
        """One position in `weights` for each id."""
        cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
        drawn = self.uniform(purpose, ids) * cumulative[-1]
        return np.minimum(np.searchsorted(cumulative, drawn, side="right"), len(cumulative) - 1).astype(np.int64)

    def dice(self, *path: str) -> "Dice":
        """Dice of its own for one part of the world."""
        return Dice(self.child(*path))


class Dice:
    """Draws one after the other, for the part of a world that is decided case by case."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._thrown = 0
        self._drawn: list[float] = []

    def number(self) -> float:
        """A number in [0, 1)."""
        if not self._drawn:
            # A thousand at a time: drawing them singly costs fifty times as much.
            ids = np.arange(self._thrown, self._thrown + 1000)
            self._drawn = self._chance.uniform("dice", ids)[::-1].tolist()
            self._thrown += 1000
        return self._drawn.pop()

    def hit(self, share: float) -> bool:
        """True in about `share` of all throws."""
        return self.number() < share

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.number() * (high - low + 1))

    def choose(self, things: Sequence[Thing]) -> Thing:
        """One of `things`, each as likely as the other."""
        return things[int(self.number() * len(things))]

    def weigh(self, things: dict[Thing, float]) -> Thing:
        """One key of `things`, as likely as its value is large."""
        left = self.number() * sum(things.values())
        for thing, weight in things.items():
            left -= weight
            if left < 0:
                return thing
        return next(reversed(things))
