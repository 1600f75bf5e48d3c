"""The assets of the Airflow asset graph: what the DAGs hand to one another.

`avr_cases`, `asylum_procedure` and `standings` are partitioned by `HOST|YYYY-MM-DD`, `urgent_notices` by
`OFFICE|HOST|YYYY-MM-DD`. An event carries its partition
key and nothing else: no asset extra ever holds a person's data.
"""

from airflow.sdk import Asset, AssetWatcher

from include.operators import DecisionsTrigger, DoorsTrigger

avr_cases = Asset("avr_cases", uri="avr://extracts/avr_cases", group="extracts")
asylum_procedure = Asset("asylum_procedure", uri="avr://extracts/asylum_procedure", group="extracts")
standings = Asset("standings", uri="avr://ledger/standings", group="ledger")
urgent_notices = Asset("urgent_notices", uri="avr://ledger/urgent_notices", group="ledger")

responses_waiting = Asset(
    "responses_waiting",
    uri="avr://offices/responses",
    group="responses",
    watchers=[AssetWatcher("doors", trigger=DoorsTrigger())],
)
decisions = Asset(
    "decisions",
    uri="avr://ledger/decisions",
    group="ledger",
    watchers=[AssetWatcher("decisions", trigger=DecisionsTrigger())],
)


def lists_of(office: str) -> Asset:
    """What an office has been sent."""
    return Asset(f"lists_{office}", uri=f"avr://offices/{office}/lists", group="lists")
