"""Which seals and signatures end soon, or hold already today: told while there is time to make new ones."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from include.arrangements.framework import PARTIES, AddressedParty
from include.arrangements.models import Addressee
from include.arrangements.reading import in_force, load_frameworks, load_offices
from include.delivery.keys import SealingKey, SealRefused
from include.delivery.outcomes import DeliveryRefused
from include.delivery.sealing import seal, seal_ends_on, signing_ends_on
from include.lists.document import RenderedFile
from include.settings import arrangements_folder

WARNING = dt.timedelta(days=30)
"""How long before its end a key or password is called to mind: time to make a new one and to tell it in person."""
AT_ONCE = 20
"""Whose keys one process reads: Airflow hides them from its logs by one pattern of all that it read, which grows."""
_TRIAL = RenderedFile("trial", b"", personal=True)


class SealsEnd(RuntimeError):
    """Keys or passwords end soon, or seal nothing today; the message names each office and day, and no key."""


def sealed_for(now: dt.datetime) -> list[list[str]]:
    """The codes of all offices and parties, AT_ONCE together."""
    return in_groups(one.code for one in _everybody(now))


def in_groups(codes: Iterable[str]) -> list[list[str]]:
    """These codes in order, AT_ONCE together."""
    ordered = sorted(codes)
    return [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]


def check_seals_last(
    codes: Collection[str], keys_of: Callable[[Addressee], Mapping[str, SealingKey]], now: dt.datetime
) -> None:
    """Seal nothing for every channel of these offices and parties, as what comes next would be; look when that ends.

    keys_of: what seals and signs for each channel of an arrangement, by channel key
    raises: SealsEnd, with a line for each that cannot be sealed for, or not for WARNING longer
    """
    found: dict[str, None] = {}
    for arrangement in _everybody(now):
        if arrangement.code not in codes:
            continue
        try:
            keys = keys_of(arrangement)
        except DeliveryRefused as refused:
            found[f"{arrangement.code}: {refused}"] = None
            continue
        found |= dict.fromkeys(_endings(arrangement, keys, now))
    if found:
        raise SealsEnd("\n".join(found))


def _everybody(now: dt.datetime) -> list[Addressee]:
    offices, _ = load_offices(arrangements_folder())
    frameworks, _ = load_frameworks(arrangements_folder())
    agreements = [in_force(versions, now.date()) or versions[0] for _, versions in sorted(frameworks.items())]
    return [
        *(in_force(versions, now.date()) or versions[0] for _, versions in sorted(offices.items())),
        *(AddressedParty(agreement, party) for agreement in agreements for party in PARTIES),
    ]


def _endings(arrangement: Addressee, keys: Mapping[str, SealingKey], now: dt.datetime) -> Iterator[str]:
    for channel in arrangement.deliver:
        key = keys[channel.key]
        try:
            seal(_TRIAL, channel, key, now)
            of_seal, of_signature = seal_ends_on(channel, key), signing_ends_on(key.signing)
        except SealRefused as refused:
            yield f"{arrangement.code} gets no lists by {channel.via}: {refused}"
            continue
        what = {"pgp": "OpenPGP key", "password": "list password"}.get(channel.seal)
        last = now.date() + WARNING
        if of_seal and of_seal <= last:
            yield f"{arrangement.code}: its {what} ends on {of_seal}; after that no list is made for it"
        if of_signature and of_signature <= last:
            yield f"every office: IOM's signing key ends on {of_signature}; after that no list is made"
