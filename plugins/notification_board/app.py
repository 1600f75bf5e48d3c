"""The pages of the notification board, and the forms on them. Every route asks `guard` who is there, and what for.

Plain functions on the thread pool: nothing here holds up the API server's event loop.
"""

import csv
import datetime as dt
import hashlib
import io
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from threading import Lock
from typing import Annotated, Any

import icu
from airflow.api_fastapi.app import get_auth_manager
from fastapi import APIRouter, Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.board import pages, people
from include.board.charts import Point, lead_and_volume, waterfall
from include.board.people import NothingToSee, Viewer
from include.board.today import Today, today
from include.ledger import board, outbox, responses, reviews
from include.ledger.engine import writing
from include.ledger.models import NOTICES, STANDINGS
from include.lists.texts import texts as texts_of_lists
from include.reports.clearances import number_in
from include.settings import ledger_url
from notification_board import airflow_side
from notification_board.guard import (
    HEADERS,
    Auditor,
    KnownUser,
    OwnForm,
    Reviewer,
    User,
    Watcher,
    form_token,
)
from notification_board.words import (
    COOKIE,
    counted,
    country,
    finalize,
    language_of,
    lasting,
    moment,
    right_to_left,
    sentence,
    words,
)

_HERE = Path(__file__).parent
_NAVIGATION = (
    ("watcher", "", "today"),
    ("watcher", "concerns", "concerns"),
    ("watcher", "review", "review"),
    ("auditor", "trail", "trail"),
    ("watcher", "timeliness", "timeliness"),
)
_STATIC = {path.name: path for path in (_HERE / "static").iterdir()}
_KEPT_SECONDS = 5
_kept: dict[str, tuple[float, Today | None]] = {}
_making = Lock()
_routes = APIRouter()
_log = logging.getLogger(__name__)
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
    finalize=finalize,
)


def clock() -> Callable[[], dt.datetime]:
    """What says how late it is; a test puts another in its place."""
    return lambda: dt.datetime.now(dt.UTC)


Clock = Annotated[Callable[[], dt.datetime], Depends(clock)]
Text = Annotated[str, Form(max_length=1000)]


def make_app() -> ASGIApp:
    """The board as an application of its own, to be mounted beside Airflow's."""
    # Nothing of FastAPI's own is served: its pages of documentation would be routes that nobody guards.
    app = FastAPI(title="Notification board", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_routes)
    app.add_exception_handler(StarletteHTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(LookupError, _refuse)
    app.add_middleware(_WithHeaders)
    return app


class _WithHeaders:
    """Says with every answer what a browser may do with it, and that nobody between may keep it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                more = {"Cache-Control": "no-store", **HEADERS}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in more.items()
                        if name.lower().encode() not in named
                    ),
                ]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


# The pages of counts and references.


@_routes.get("/")
def show_today(request: Request, user: Watcher, clock: Clock) -> Response:
    now = _for_all_watchers(lambda: today(clock()))
    asked = airflow_side.asked()
    days = [host.newest.reconciled for host in now.hosts if host.newest and host.newest.reconciled]
    keys = [f"{day.host_country}|{day.day}" for day in days]
    return _page(
        request,
        user,
        "today.html",
        "today",
        live=True,
        now=now,
        standings=STANDINGS,
        approvals=[one for one in asked if one.office],
        asked_of={one.office for one in asked},
        looks={number_in(one.subject): one for one in asked},
        behind=now.behind,
        red=airflow_side.red_watches(),
        host_runs=airflow_side.runs_of_partitions("reconcile_cases", keys),
    )


@_routes.get("/office/{office}")
def show_office(request: Request, office: str, user: Watcher, clock: Clock) -> Response:
    page = pages.office_page(office, clock())
    zone = page.arrangement.timezone if page.arrangement else "UTC"
    svg = _chart(page.points, page.office, request)
    return _page(request, user, "office.html", office, live=True, page=page, zone=zone, svg=svg, notices=NOTICES)


@_routes.get("/office/{office}/chart.svg")
def save_office_chart(request: Request, office: str, _: Watcher, clock: Clock) -> Response:
    page = pages.office_page(office, clock())
    return _saved_chart(_chart(page.points, page.office, request), office)


@_routes.get("/office/{office}/chart.csv")
def save_office_figures(office: str, _: Watcher, clock: Clock) -> Response:
    return _saved_figures(pages.office_page(office, clock()).points, "list", office)


@_routes.get("/list/{list_number}")
def show_list(request: Request, list_number: str, user: Watcher, clock: Clock) -> Response:
    return _show_list(request, list_number, user, clock(), said=request.query_params.get("said"))


@_routes.post("/list/{list_number}/resend", dependencies=[OwnForm])
def resend_list(request: Request, list_number: str, user: Reviewer, clock: Clock, reason: Text) -> Response:
    try:
        with writing() as session:
            board.resend(session, list_number, by=user.name, reason=reason, now=clock())
    except (ValueError, LookupError) as refused:
        return _show_list(request, list_number, user, clock(), refused=str(refused))
    _log.info("%s was let go once more by %s", list_number, user.name)
    return RedirectResponse(f"{_root(request)}list/{list_number}?said=resent", 303)


@_routes.get("/concerns")
def show_concerns(request: Request, user: Watcher, clock: Clock) -> Response:
    concerns = people.concerns_by_days(clock())
    message = _said(request, "closed", request.query_params.get("said"))
    return _page(request, user, "concerns.html", "concerns", live=True, concerns=concerns, message=message)


@_routes.get("/review")
def show_queue(request: Request, user: Watcher, clock: Clock) -> Response:
    message = _said(request, "decided", request.query_params.get("said"))
    shown: dict[str, Any] = {"waiting": people.queue(), "today": clock().date(), "message": message}
    return _page(request, user, "review.html", "review", live=True, **shown)


@_routes.get("/timeliness")
@_routes.get("/timeliness/{host_country}")
def show_timeliness(request: Request, user: Watcher, clock: Clock, host_country: str | None = None) -> Response:
    page = pages.timeliness(host_country, clock().date())
    svg = _chart(page.points, host_country or "", request)
    return _page(request, user, "timeliness.html", "timeliness", page=page, svg=svg, notices=NOTICES)


@_routes.get("/timeliness/{host_country}/chart.svg")
def save_timeliness_chart(request: Request, host_country: str, _: Watcher, clock: Clock) -> Response:
    page = pages.timeliness(None if host_country == "all" else host_country, clock().date())
    return _saved_chart(_chart(page.points, host_country, request), host_country)


@_routes.get("/timeliness/{host_country}/chart.csv")
def save_timeliness_figures(host_country: str, _: Watcher, clock: Clock) -> Response:
    page = pages.timeliness(None if host_country == "all" else host_country, clock().date())
    return _saved_figures(page.points, "week", host_country)


@_routes.get("/static/{name}")
def serve_file(name: str, _: KnownUser) -> Response:
    if name not in _STATIC:
        raise HTTPException(404)
    # Asked for again each time, and answered with 304 while it is the same.
    return FileResponse(_STATIC[name], headers={"Cache-Control": "private, no-cache"})


# The pages that name a person. Each view is recorded before the name is read.


@_routes.get("/review/{match_id}")
def show_pair(request: Request, match_id: int, user: Reviewer, clock: Clock) -> Response:
    return _show_pair(request, match_id, user, clock, said=request.query_params.get("said"))


@_routes.post("/review/{match_id}/decide", dependencies=[OwnForm])
def decide(
    request: Request,
    match_id: int,
    user: Reviewer,
    clock: Clock,
    decision: Text,
    reason: Text,
    seen: Text = "",
    one_person: Text = "",
) -> Response:
    try:
        following = people.decide(
            match_id,
            decision,
            by=user.name,
            reason=reason,
            one_person=bool(one_person),
            seen=seen,
            clock=clock,
        )
    except reviews.NotDecidable as refused:
        return _show_pair(request, match_id, user, clock, refused=str(refused))
    return RedirectResponse(f"{_root(request)}review{f'/{following}' if following else ''}?said=decided", 303)


@_routes.get("/concern/{concern_id}")
def show_concern(request: Request, concern_id: int, user: Reviewer, clock: Clock) -> Response:
    return _show_concern(request, concern_id, user, clock)


@_routes.post("/concern/{concern_id}/close", dependencies=[OwnForm])
def close_concern(request: Request, concern_id: int, user: Reviewer, clock: Clock, note: Text) -> Response:
    try:
        people.close_concern(concern_id, by=user.name, note=note, now=clock())
    except responses.NotClosable as refused:
        return _show_concern(request, concern_id, user, clock, refused=str(refused))
    return RedirectResponse(f"{_root(request)}concerns?said=closed", 303)


@_routes.get("/trail")
def search_trail(request: Request, user: Auditor) -> Response:
    return _page(request, user, "trail.html", "trail", page=None, said="", case_id="", host="")


# A case id is a person's reference: it comes in the body, and is in no URL.
@_routes.post("/trail", dependencies=[OwnForm])
def show_trail(request: Request, user: Auditor, clock: Clock, case_id: Text, host: Text = "") -> Response:
    shown: dict[str, Any] = {"page": None, "said": "", "case_id": case_id.strip(), "host": host.strip().upper()}
    say = words(_language(request)).say
    try:
        page = people.trail_page(shown["case_id"], shown["host"] or None, Viewer(user.name, clock))
    except NothingToSee:
        shown["said"] = say["no_such_case"]
    else:
        shown["page"] = page
        shown["said"] = "" if page.found else say["several_hosts"].format(hosts=", ".join(page.hosts))
    return _page(request, user, "trail.html", "trail", **shown)


def _for_all_watchers(make: Callable[[], Today]) -> Today:
    """What was made for another watcher a moment ago, or made now: however many look, the ledger is asked once."""
    with _making:
        made, kept = _kept.get(ledger_url(), (0.0, None))
        if kept is None or time.monotonic() - made > _KEPT_SECONDS:
            kept = make()
            _kept.clear()
            _kept[ledger_url()] = (time.monotonic(), kept)
    return kept


def _show_list(
    request: Request, list_number: str, user: User, now: dt.datetime, *, said: str | None = None, refused: str = ""
) -> Response:
    try:
        page = pages.list_page(list_number, now)
    except outbox.NotFound:
        raise HTTPException(404) from None
    one = page.whole.list
    run = airflow_side.run_of_list(one.office, one.kind, one.due_at, one.period_to)
    message = _refused(request, refused) if refused else _said(request, "resent", said)
    shown: dict[str, Any] = {"page": page, "run": run, "message": message}
    return _page(request, user, "list.html", one.list_number, live=not refused, **shown)


def _show_pair(
    request: Request,
    match_id: int,
    user: User,
    clock: Callable[[], dt.datetime],
    *,
    said: str | None = None,
    refused: str = "",
) -> Response:
    page = people.pair_page(match_id, Viewer(user.name, clock))
    w = words(_language(request))
    steps = [type(step)(w.compared[step.label], step.weight) for step in page.steps]
    svg = Markup(waterfall(steps, title=w.say["waterfall"], total=w.say["total"]))  # noqa: S704  (escaped there)
    message = _refused(request, refused) if refused else _said(request, "decided", said)
    return _page(request, user, "pair.html", "review", page=page, svg=svg, today=clock().date(), message=message)


def _show_concern(
    request: Request, concern_id: int, user: User, clock: Callable[[], dt.datetime], *, refused: str = ""
) -> Response:
    page = people.concern_page(concern_id, Viewer(user.name, clock))
    events: list[tuple[dt.datetime, str, Any]] = [(one.at, "told", one) for one in page.told]
    events += [(at, "answer", (number, answer)) for at, number, answer in page.said]
    events += [(one.closed_at, "closed", one) for one in page.concerns if one.closed_at]
    events.sort(key=lambda one: one[0])
    message = _refused(request, refused) if refused else None
    return _page(request, user, "concern.html", "concerns", page=page, events=events, message=message)


def _refused(request: Request, why: str) -> tuple[str, object]:
    return "bad", sentence(why, _language(request))


def _said(request: Request, what: str, said: str | None) -> tuple[str, str] | None:
    """The sentence after a form was taken, if the page is shown after this one."""
    return ("good", words(_language(request)).say[f"said_{what}"]) if said == what else None


def _page(
    request: Request, user: User, template: str, title: str, *, live: bool = False, status: int = 200, **shown: Any
) -> Response:
    """A page in the reader's language. A live one is answered with 304 where it is still the same.

    title: a key of the texts, or a code that stays as it is
    """
    language = _language(request)
    w = words(language)
    response = HTMLResponse(status_code=status)
    html = _templates.get_template(template).render(
        **shown,
        title=w.say.get(title, title),
        here="" if title == "today" else title,
        language=language,
        rtl=right_to_left(language),
        root=_root(request),
        airflow=f"{_root(request)}../",
        nav=_NAVIGATION,
        user=user,
        w=w,
        s=w.say,
        lists=texts_of_lists(language),
        live=live,
        token=form_token(request, response, user),
        moment=moment,
        country=lambda code: country(code, language),
        lead=_lead,
        counted=lambda key, **numbers: counted(w.say[key], language, **numbers),
        lasting=lambda time: lasting(time, language),
        spoken=lambda text: sentence(text, language),
        days=lambda days: ", ".join(w.weekdays[day] for day in days),
        language_name=lambda code: icu.Locale(code).getDisplayLanguage(icu.Locale(language)),
    )
    response.body = html.encode()
    response.headers["Content-Length"] = str(len(response.body))
    if live:
        # What only says when the page was made makes no other page.
        tag = f'"{hashlib.sha256(_without_now(html).encode()).hexdigest()[:32]}"'
        response.headers["ETag"] = tag
        response.headers["Cache-Control"] = "private, no-cache"
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    return response


def _without_now(html: str) -> str:
    before, mark, after = html.partition("<!-- now -->")
    return before + after.partition("<!-- /now -->")[2] if mark else html


def _lead(days: list[int]) -> str:
    """The median of days of lead, and the fewest."""
    return f"{median(days):g} (≥ {min(days)})" if days else "–"


def _chart(points: list[Point], of: str, request: Request) -> Markup:
    say = words(_language(request)).say
    title = f"{say['lead_and_volume']} {of}".strip()
    # Every text in it was escaped where it was drawn.
    return Markup(lead_and_volume(points, title=title, volume=say["entries"], lead=say["median_lead"]))  # noqa: S704


def _saved_chart(svg: str, of: str) -> Response:
    return Response(svg, media_type="image/svg+xml", headers=_as_file(of, "svg"))


def _saved_figures(points: list[Point], first: str, of: str) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([first, "entries", "median_lead_days"])
    writer.writerows((point.label, point.volume, "" if point.lead is None else f"{point.lead:g}") for point in points)
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=_as_file(of, "csv"))


def _as_file(of: str, ending: str) -> dict[str, str]:
    plain = "".join(sign for sign in of if sign.isascii() and (sign.isalnum() or sign == "-"))
    return {"Content-Disposition": f'attachment; filename="lead-time-{plain}.{ending}"'}


def _language(request: Request) -> str:
    return language_of(request.cookies.get(COOKIE), request.headers.get("accept-language", ""))


def _root(request: Request) -> str:
    """The way from this page to the board's first page. Relative, whatever prefix a proxy puts before it."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).lstrip("/")
    return "../" * path.count("/") or "./"


def _refuse(request: Request, refused: Exception) -> Response:
    """What was asked for is not there, not allowed, or not understood: one sentence, nothing of what was sent."""
    status = refused.status_code if isinstance(refused, StarletteHTTPException) else 422
    if isinstance(refused, LookupError):
        status = 404
    headers: Mapping[str, str] = getattr(refused, "headers", None) or {}
    if status == 401:
        # A person is shown the way to the login; whatever else asks is told no.
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(get_auth_manager().get_url_login(next_url=str(request.url)), 303)
        return Response("Not authenticated", 401, headers, media_type="text/plain")
    language = _language(request)
    w = words(language)
    why = {403: "not_allowed", 404: "not_found", 405: "not_found"}.get(status, "not_understood")
    if status == 403 and getattr(refused, "detail", "") == "form":
        why = "not_our_form"
    html = _templates.get_template("refused.html").render(
        said=w.refused[why],
        today=w.say["today"],
        language=language,
        rtl=right_to_left(language),
        root=_root(request),
    )
    return HTMLResponse(html, status, headers)
