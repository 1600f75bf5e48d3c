"""Who may see what, and which request is to be believed. Every route of the board goes through here.

Three roles, each a permission of its own: a watcher sees counts and references, a reviewer the people in question, an
auditor the trail of a case. See docs/decisions/who-may-see-what.md.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager, get_cookie_path
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import Depends, Form, HTTPException, Request, Response

WATCHER, REVIEWER, AUDITOR = "watcher", "reviewer", "auditor"
RESOURCES = {
    WATCHER: "Notification board",
    REVIEWER: "Notification board: people in question",
    AUDITOR: "Notification board: case trails",
}
"""What an auth manager with roles of its own (FAB, Keycloak) is asked: may this user read that resource?"""
OF_SIMPLE_ROLE = {
    "VIEWER": frozenset({WATCHER}),
    "USER": frozenset({WATCHER, REVIEWER}),
    "OP": frozenset({WATCHER, REVIEWER, AUDITOR}),
    "ADMIN": frozenset({WATCHER, REVIEWER, AUDITOR}),
}
"""The simple auth manager's four roles, in whose order each has what the one before has."""
SESSION = "board_session"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class User:
    """Somebody who is logged in to Airflow, and what of the board they may see."""

    id: str
    name: str
    roles: frozenset[str]


def known_user(user: GetUserDep) -> User:
    """Who asks, by Airflow's own login; without one Airflow's dependency answers 401."""
    if isinstance(user, SimpleAuthManagerUser):
        roles = OF_SIMPLE_ROLE.get((user.role or "").upper(), frozenset())
    else:
        manager: Any = get_auth_manager()
        roles = frozenset(
            role
            for role, resource in RESOURCES.items()
            if manager.is_authorized_custom_view(method="GET", resource_name=resource, user=user)
        )
    return User(str(user.get_id()), user.get_name(), roles)


KnownUser = Annotated[User, Depends(known_user)]


def _with_role(role: str) -> Any:
    def check(user: KnownUser) -> User:
        if role not in user.roles:
            raise HTTPException(403, role)
        return user

    return Depends(check)


Watcher = Annotated[User, _with_role(WATCHER)]
Reviewer = Annotated[User, _with_role(REVIEWER)]
Auditor = Annotated[User, _with_role(AUDITOR)]


def form_token(request: Request, response: Response, user: User) -> str:
    """What a form of this session must bring back; it begins the session where there is none."""
    session = request.cookies.get(SESSION)
    if not session or len(session) < 32:
        session = secrets.token_urlsafe(32)
        response.set_cookie(
            SESSION,
            session,
            path=get_cookie_path(),
            httponly=True,
            samesite="strict",
            secure=request.base_url.scheme == "https" or bool(conf.get("api", "ssl_cert", fallback="")),
        )
    return _token(session, user)


def _token(session: str, user: User) -> str:
    key = get_signing_key("api", "secret_key").encode()
    return hmac.new(key, f"notification board\n{session}\n{user.id}".encode(), hashlib.sha256).hexdigest()


def own_form(request: Request, user: Watcher, token: Annotated[str, Form(max_length=64)] = "") -> None:
    """Refuse a form that was not filled in on a page of ours, by this user in this session."""
    session = request.cookies.get(SESSION, "")
    good = session and hmac.compare_digest(token.encode(), _token(session, user).encode())
    if not good or not _from_ourselves(request):
        raise HTTPException(403, "form")


OwnForm = Depends(own_form)


def _from_ourselves(request: Request) -> bool:
    """Whether the browser says that the form was sent by a page of this very server."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    # Over plain HTTP a browser says only where the page was from; behind a proxy we are known as in `base_url`.
    ours = {request.url.netloc, urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    return urlsplit(request.headers.get("origin", "")).netloc in ours - {""}
