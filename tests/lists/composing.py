"""Making lists in tests: a person approves whatever is asked (an office's first list always is)."""

import datetime as dt
from collections.abc import Callable

from include.delivery.keys import SealingKey
from include.lists.compose import Approved, OutOfProportion
from tests.signing import SIGNING

MOMENT = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)


def keys_of(arrangement) -> dict[str, SealingKey]:
    return {channel.key: SealingKey(signing=SIGNING) for channel in arrangement.deliver}


def approving(make: Callable[[Approved | None], tuple[str | None, dict[str, int]]]):
    try:
        return make(None)
    except OutOfProportion as asked:
        return make(Approved(asked.figures.as_dict(), "somebody", MOMENT))
