"""The board as Airflow mounts it, with Airflow's own login and database, and a client for each role."""

import os
from collections.abc import Callable, Iterator

# Before Airflow reads its settings.
os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = "watcher:viewer,reviewer:user,auditor:op,admin:admin"
os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "only for tests " * 5

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from include.ledger.grants import BOARD
from tests.board.world import NOON, doubt, run, tell

ROLES = {"watcher": "VIEWER", "reviewer": "USER", "auditor": "OP", "admin": "ADMIN"}


@pytest.fixture(scope="session")
def board_app() -> Iterator[FastAPI]:
    """The board's own application."""
    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from notification_board.app import clock, make_app

    import_all_models()
    settings.configure_vars()
    settings.configure_orm()
    Base.metadata.create_all(settings.engine)
    app = make_app()
    app.dependency_overrides[clock] = lambda: lambda: NOON
    return app


@pytest.fixture(scope="session")
def airflow_app(board_app) -> FastAPI:
    """What Airflow's API server does with a plugin's application: mounted, beside its auth manager."""
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.api_fastapi.auth.middlewares.refresh_token import JWTRefreshMiddleware

    app = FastAPI()
    app.mount("/notifications", board_app)
    init_auth_manager(app)
    app.add_middleware(JWTRefreshMiddleware)
    return app


class AsTheBoard(TestClient):
    """A client whose requests find the ledger under the board's own login, where there are logins."""

    def request(self, *args, **kwargs):
        url = make_url(os.environ.get("AVR_LEDGER", "sqlite://"))
        if url.get_backend_name() != "postgresql":
            return super().request(*args, **kwargs)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AVR_LEDGER", url.set(username=BOARD).render_as_string())
            return super().request(*args, **kwargs)


@pytest.fixture
def login(airflow_app) -> Callable[..., TestClient]:
    """A client who is logged in as one of ROLES; without a role, nobody."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def enter(role: str | None = None, **headers: str) -> TestClient:
        client = AsTheBoard(
            airflow_app,
            base_url="http://testserver/notifications/",
            follow_redirects=False,
            headers={"Sec-Fetch-Site": "same-origin", **headers},
        )
        if role:
            user = SimpleAuthManagerUser(username=role, role=ROLES[role])
            client.cookies.set("_token", get_auth_manager().generate_jwt(user))
        return client

    return enter


@pytest.fixture
def told(ledger) -> str:
    """A day is reconciled, GRC-ATH has its list, and doubts its one entry: the entry."""
    run()
    entry = tell()
    doubt(entry)
    return entry
