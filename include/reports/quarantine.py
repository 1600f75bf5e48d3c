"""Rows that broke the contract, when there are suddenly many: each is a person of whom no news arrives."""

from include.ledger import figures
from include.ledger.engine import reading

FEW = 5
"""So many rows are no spike: whose they are is for the data owner to put right in peace."""
SHARE = 0.05


class QuarantineSpike(RuntimeError):
    """Extracts of which many rows are in quarantine; the message names host country, kind and counts."""


def check_quarantine() -> None:
    """Look at the newest extract of each host country and kind.

    raises: QuarantineSpike where more than FEW rows are in quarantine, and they are more than SHARE of all or more than
        twice the share of the day before
    """
    with reading() as session:
        extracts = figures.newest_two_extracts(session)
    spikes = []
    for (host, kind), (newest, before) in extracts.items():
        usual = before.share_quarantined if before else 0.0
        if newest.quarantined > FEW and newest.share_quarantined > min(SHARE, 2 * usual):
            spikes.append(f"{newest.quarantined} of {newest.rows} rows of {kind} of {host} on {newest.day}")
    if spikes:
        raise QuarantineSpike(f"in quarantine: {'; '.join(spikes)}")
