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
