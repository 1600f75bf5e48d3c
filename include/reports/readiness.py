"""Is the ledger as new as a list that is due should be?"""

import datetime as dt
from collections.abc import Sequence

from include.arrangements.calendar import pull_moments
from include.arrangements.reading import load_sources
from include.ledger import intake
from include.ledger.engine import reading
from include.settings import arrangements_folder


def reconciled_for(host_countries: Sequence[str], due_at: dt.datetime) -> bool:
    """Whether each host country is reconciled for its newest day that was to be pulled before `due_at`."""
    sources, _ = load_sources(arrangements_folder())
    with reading() as session:
        reconciled = intake.newest_reconciled(session, host_countries)
    for host in host_countries:
        days = [
            day
            for source in sources
            if source.host_country == host
            for day in pull_moments(source, due_at - dt.timedelta(days=2), due_at)
        ]
        newest = reconciled[host]
        if days and (newest is None or newest < max(days)):
            return False
    return True
