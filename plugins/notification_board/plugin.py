"""The notification board as a plugin: where it is served, and its entry in Airflow's navigation.

Every process of Airflow loads this file, tasks too: what the board needs is imported at its first request.
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "notifications"
_made: list[Any] = []


async def board(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The board as an ASGI application."""
    if not _made:
        from notification_board.app import make_app

        _made.append(make_app())
    await _made[0](scope, receive, send)


class NotificationBoardPlugin(AirflowPlugin):
    name = "notification_board"
    fastapi_apps = [{"app": board, "url_prefix": f"/{PREFIX}", "name": "Notification board"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012  (Airflow's own form)
        {
            "name": "Notifications",
            # Relative, so that it is found under any path prefix.
            "href": f"{PREFIX}/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": PREFIX,
            "icon": f"{PREFIX}/static/icon.svg",
            "icon_dark_mode": f"{PREFIX}/static/icon-dark.svg",
        }
    ]
