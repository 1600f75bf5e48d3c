"""The notification board as a plugin: where it is served, and its entry in Airflow's navigation.

Every process of Airflow loads this file, tasks too: what the board needs is imported at its first request. A link is
asked for by name of the operator, which every process that has DAGs has imported already.
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from include.links import BOARD
from notification_board.links import BoardLink

_made: list[Any] = []


async def board(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The board as an ASGI application."""
    if not _made:
        from notification_board.app import make_app

        _made.append(make_app())
    await _made[0](scope, receive, send)


class NotificationBoardPlugin(AirflowPlugin):
    name = "notification_board"
    fastapi_apps = [{"app": board, "url_prefix": f"/{BOARD}", "name": "Notification board"}]  # noqa: RUF012
    operator_extra_links = [BoardLink()]  # noqa: RUF012
    external_views = [  # noqa: RUF012  (Airflow's own form)
        {
            # As long as Airflow shows in its navigation.
            "name": "AVR lists",
            # Relative, so that it is found under any path prefix.
            "href": f"{BOARD}/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": BOARD,
            "icon": f"{BOARD}/static/icon.svg",
            "icon_dark_mode": f"{BOARD}/static/icon-dark.svg",
        }
    ]
