"""Links from a task in the Airflow UI to its page on the notification board."""

from typing import Any
from urllib.parse import urlsplit

import attrs
from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

BOARD = "notifications"
"""The path of the board beside Airflow's own, and of its entry in the navigation."""


def board_page(path: str) -> str:
    """The address, on the same server, at which Airflow's UI shows this page of the board.

    path: relative to the board's first page, such as `list/GRC-ATH_2026-0001`
    """
    prefix = f"/{urlsplit(conf.get('api', 'base_url', fallback='') or '').path.strip('/')}/".replace("//", "/")
    # The UI shows at `/plugin/ENTRY/…` the page that is at `/…` of the server.
    return f"{prefix}plugin/{BOARD}{prefix}{BOARD}/{path}"


def page_of_task(
    dag_id: str, task_id: str, partition_key: str, made: str | None, whose: str | None = None
) -> str | None:
    """The page, relative to the board's first, of what a task of these DAGs is about; None where that is nothing of it.

    partition_key: of its run; empty where that has none
    made: the list that the run has made, if it has
    whose: the office, or the series of papers such as `GRC-ATH/rejected`, that a mapped task is for
    """
    kind, _, of = dag_id.partition("__")
    match kind:
        case "deliver_lists":
            return f"list/{made}" if made else f"office/{of}"
        case "deliver_urgent_lists":
            return f"list/{made}" if made else f"office/{partition_key.partition('|')[0]}"
        case "reconcile_cases":
            return f"#host-{partition_key.partition('|')[0]}"
        case "report_rejected":
            return f"office/{of}#papers"
        case "report_afghan_framework":
            host, _, party = of.partition("__")
            return f"office/AFG-{host}-{party}"
        case "sweep":
            return f"office/{whose.partition('/')[0]}" if whose else None
    return _PAGES.get(dag_id, {}).get(task_id)


_PAGES = {
    "clear_notices": {"find_cases": "#clearances", "ask": "#clearances"},
    "collect_responses": {"tell_concerns": "concerns", "remind": "#silent"},
    "watch": {
        "find_overdue_lists": "#offices_late",
        "find_standing_concerns": "concerns",
        "find_waiting_cases": "#clearances",
        "find_silent_offices": "#silent",
    },
}


@attrs.define()
class ListLink(BaseOperatorLink):
    """From the task that made a list to the list; none where there was nothing to tell."""

    name = "List on the board"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return board_page(f"list/{operator.made}") if operator.made else ""


@attrs.define()
class HostCountryLink(BaseOperatorLink):
    """From the pull of an extract to its host country."""

    name = "Host country on the board"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return board_page(f"#host-{operator.source['host_country']}")
