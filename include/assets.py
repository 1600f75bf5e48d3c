"""The assets of the Airflow asset graph: what the DAGs hand to one another.

`avr_cases`, `asylum_procedure` and `standings` are partitioned by `HOST|YYYY-MM-DD`, `urgent_notices` by
`OFFICE|HOST|YYYY-MM-DD`. An event carries its partition
key and nothing else: no asset extra ever holds a person's data.
"""

from airflow.sdk import Asset

avr_cases = Asset("avr_cases", uri="avr://extracts/avr_cases", group="extracts")
asylum_procedure = Asset("asylum_procedure", uri="avr://extracts/asylum_procedure", group="extracts")
standings = Asset("standings", uri="avr://ledger/standings", group="ledger")
urgent_notices = Asset("urgent_notices", uri="avr://ledger/urgent_notices", group="ledger")


def lists_of(office: str) -> Asset:
    """What an office has been sent."""
    return Asset(f"lists_{office}", uri=f"avr://offices/{office}/lists", group="lists")
