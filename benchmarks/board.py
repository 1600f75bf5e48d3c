"""The pages of the notification board with 150 offices, 130 host countries and a year of lists.

`python -m benchmarks.board` fills a ledger on SQLite and one on PostgreSQL with the same year, serves the board by
uvicorn as Airflow mounts it, and asks for each page again and again: median and 95th percentile, statements and bytes.
The peer in the same run is Airflow's own list of DAG runs for an API server of as many DAGs. Then several watchers ask
for pages without a pause, while a trivial endpoint of the same server says whether it still answers.
"""

import argparse
import datetime as dt
import importlib.metadata
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import icu
from rich.console import Console
from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import Session

from benchmarks.results import save
from include.arrangements.reading import load_offices
from include.demo.ports import free_port
from include.demo.postgres import binaries, postgres
from include.ledger import models
from include.ledger.engine import writing
from include.ledger.migrating import migrate
from include.settings import ROOT

OFFICES, HOSTS, DAYS, LISTS, CASES = 150, 130, 365, 35_000, 45_000
NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
TODAY = NOW.date()
SEED = 20030116
CLIENTS, SECONDS = 4, 10
"""Watchers who ask for pages without a pause, and for how long."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=120, help="how often each page is asked for")
    given = parser.parse_args()
    console, tables, versions = Console(), {}, {}
    with tempfile.TemporaryDirectory(prefix="avr-board-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        arrangements = arrange(folder / "arrangements")
        urls = {"SQLite": f"sqlite:///{folder / 'ledger.db'}"}
        if programs := binaries():
            urls["PostgreSQL"] = f"{stack.enter_context(postgres(programs))}/postgres"
        for name, url in urls.items():
            begun = time.monotonic()
            lists, entries = fill(url, arrangements)
            console.print(f"{name}: {lists:,} lists with {entries:,} entries in {time.monotonic() - begun:.0f} s")
            with _server(folder / name, url, arrangements) as client:
                of_one = f"{OFFICES} offices, {HOSTS} host countries, {lists:,} lists of a year, on {name}"
                tables[of_one] = _pages(client, given.times)
                tables[f"A trivial endpoint of the same server, on {name}"] = _responsive(client)
    for package in ("apache-airflow", "fastapi", "sqlalchemy", "uvicorn"):
        versions[package] = importlib.metadata.version(package)
    save("board", tables, versions, console)


def _pages(client: httpx.Client, times: int) -> list[dict[str, Any]]:
    """Median and 95th percentile of each page, in turns, so that what else the machine does befalls all."""
    office = next(iter(offices()))
    paths = {
        "Airflow's own list of 100 DAG runs (the peer)": "/api/v2/dags/~/dagRuns?limit=100",
        "nothing but the login (404 of the board)": "/notifications/nowhere",
        "Today": "/notifications/",
        "Office": f"/notifications/office/{office}",
        "List": f"/notifications/list/{office}_2026-0100",
        "Concerns": "/notifications/concerns",
        "Review": "/notifications/review",
        "Timeliness, all": "/notifications/timeliness",
        "Timeliness, one country": f"/notifications/timeliness/{hosts()[0]}",
    }
    first = {name: _asked(client, path) for name, path in paths.items()}
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(times):
        for name, path in paths.items():
            seconds[name].append(_asked(client, path)[0])
    peer = _p95(seconds[next(iter(paths))])
    return [
        {
            "page": name,
            "median ms": f"{statistics.median(found) * 1000:.0f}",
            "p95 ms": f"{_p95(found) * 1000:.0f}",
            "p95 beside the peer": f"{_p95(found) / peer:.2f}",
            "first ms": f"{first[name][0] * 1000:.0f}",
            "statements": first[name][1],
            "bytes": first[name][2],
        }
        for name, found in seconds.items()
    ]


def _asked(client: httpx.Client, path: str) -> tuple[float, str, int]:
    """Seconds, statements to the ledger, bytes."""
    begun = time.perf_counter()
    answer = client.get(path)
    seconds = time.perf_counter() - begun
    if answer.status_code != (404 if path.endswith("nowhere") else 200):
        sys.exit(f"{path}: {answer.status_code}")
    return seconds, answer.headers.get("x-statements", ""), len(answer.content)


def _responsive(client: httpx.Client) -> list[dict[str, Any]]:
    """How long a trivial endpoint takes while nobody, and while several, ask for pages without a pause."""
    rows = []
    for clients in (0, CLIENTS):
        ended = threading.Event()
        pages = [threading.Thread(target=_ask_on, args=(client, ended)) for _ in range(clients)]
        for one in pages:
            one.start()
        found = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            found.append(_asked(client, "/api/v2/version")[0])
            time.sleep(0.05)
        ended.set()
        for one in pages:
            one.join()
        rows.append(
            {
                "watchers at once": clients,
                "median ms": f"{statistics.median(found) * 1000:.0f}",
                "p95 ms": f"{_p95(found) * 1000:.0f}",
                "longest ms": f"{max(found) * 1000:.0f}",
            }
        )
    return rows


def _ask_on(client: httpx.Client, ended: threading.Event) -> None:
    paths = [f"/notifications/{path}" for path in ("", f"office/{next(iter(offices()))}", "timeliness", "review")]
    for path in itertools.cycle(paths):
        if ended.is_set():
            return
        _asked(client, path)


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


@contextmanager
def _server(folder: Path, ledger: str, arrangements: Path) -> Iterator[httpx.Client]:
    """Airflow's API server with the board in it, on a database of its own; a client who is logged in as a watcher."""
    folder.mkdir(mode=0o700)
    port = free_port()
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({"admin": "admin"}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AVR_"))} | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only for this benchmark " * 3,
        "PYTHONPATH": str(ROOT),
        "AVR_LEDGER": ledger,
        "AVR_DATA": str(folder / "data"),
        "AVR_ARRANGEMENTS": str(arrangements),
        "AVR_FROM": str(TODAY - dt.timedelta(days=DAYS)),
    }
    with (folder / "log").open("wb") as log:
        migrated = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"], env=environment, stdout=log, stderr=log, check=False
        )
        if migrated.returncode:
            sys.exit((folder / "log").read_text())
        program = "from benchmarks.board import serve; serve()"
        server = subprocess.Popen(
            [sys.executable, "-c", program, str(port)], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            deadline = time.monotonic() + 180
            while not _logged_in(client):
                if time.monotonic() > deadline or server.poll() is not None:
                    sys.exit((folder / "log").read_text())
                time.sleep(0.5)
            yield client
    finally:
        server.terminate()
        server.wait(30)


def _logged_in(client: httpx.Client) -> bool:
    try:
        answer = client.post("/auth/token", json={"username": "admin", "password": "admin"})
    except httpx.TransportError:
        return False
    if answer.is_success:
        token = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.headers["Accept-Language"] = "en"
    return answer.is_success


def serve() -> None:
    """Airflow's API server at the port that is named, with the benchmark's clock; it says how often it asked the ledger.

    One process, as `airflow api-server --workers 1`. Airflow has as many runs as its own list shows at once.
    """
    import uvicorn
    from airflow.api_fastapi.main import app
    from notification_board import app as board_app
    from sqlalchemy import event
    from starlette.types import Message, Receive, Scope, Send

    from include.ledger.engine import engine

    _runs()
    ledger, statements = engine(os.environ["AVR_LEDGER"]), itertools.count()
    event.listen(ledger, "before_cursor_execute", lambda *_: next(statements))
    made: Any = board_app.make_app()
    board_app.make_app = lambda: counted
    made.dependency_overrides[board_app.clock] = lambda: lambda: NOW

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        before = next(statements)

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-statements", str(next(statements) - before - 1).encode()),
                ]
            await send(message)

        await made(scope, receive, say)

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[-1]), log_level="warning")


def _runs() -> None:
    """A year of runs of one DAG in Airflow's database, for the peer."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        session.add(DagBundleModel(name="benchmark"))
        session.flush()
        session.add(DagModel(dag_id="deliver", bundle_name="benchmark", is_stale=False))
        for number in range(LISTS // 10):
            at = NOW - dt.timedelta(minutes=15 * number)
            session.add(
                DagRun(
                    dag_id="deliver", run_id=f"run_{number}", logical_date=at, run_after=at, state="success",
                    run_type=DagRunType.SCHEDULED, triggered_by=DagRunTriggeredByType.TEST, start_date=at,
                )
            )  # fmt: skip


def hosts() -> list[str]:
    """Codes of as many host countries, alpha-3."""
    codes = (icu.Locale("", code).getISO3Country() for code in icu.Locale.getISOCountries())
    return sorted(filter(None, codes))[:HOSTS]


def offices() -> dict[str, str]:
    """Each office with its host country; some countries have two."""
    named = hosts()
    return {f"{named[number % HOSTS]}-NO{number // HOSTS + 1}": named[number % HOSTS] for number in range(OFFICES)}


def fill(url: str, arrangements: Path) -> tuple[int, int]:
    """A year of everything that pages read, the same on every database; how many lists and entries there are."""
    channels = {
        office: [channel.key for channel in versions[-1].deliver]
        for office, versions in load_offices(arrangements)[0].items()
    }
    migrate(url)
    chance = random.Random(SEED)
    days = [TODAY - dt.timedelta(days=number) for number in range(DAYS - 1, -1, -1)]
    with writing(url) as session:
        _extracts(session, days)
        told = _cases(session, chance, days)
        counted = _lists(session, chance, days, told, channels)
    if not url.startswith("sqlite"):
        with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return counted


def _extracts(session: Session, days: Sequence[dt.date]) -> None:
    extracts, reconciled = [], []
    for day in days:
        for host in hosts():
            came = dt.datetime.combine(day, dt.time(5), dt.UTC)
            both = [len(extracts) + 1, len(extracts) + 2]
            extracts += [
                {
                    "id": number, "host_country": host, "day": day, "kind": kind, "sha256": f"{number:064x}",
                    "file_name": f"{kind}_{host}_{day:%Y%m%d}.csv", "row_count": 350, "good_count": 349,
                    "quarantined_count": 1, "turn": 1, "accepted_at": came,
                }
                for number, kind in zip(both, models.KINDS, strict=True)
            ]  # fmt: skip
            reconciled.append(
                {
                    "host_country": host, "day": day, "cases_extract_id": both[0], "procedure_extract_id": both[1],
                    "model_version": "benchmark", "counts": dict.fromkeys(models.STANDINGS, 40), "missing_count": 0,
                    "without_office_count": 0, "reconciled_at": came + dt.timedelta(minutes=2),
                    "added_up_at": came + dt.timedelta(minutes=2),
                }
            )  # fmt: skip
    _insert(session, models.Extract, extracts)
    _insert(session, models.Reconciliation, reconciled)


def _cases(
    session: Session, chance: random.Random, days: Sequence[dt.date]
) -> dict[tuple[str, dt.date], list[dict[str, Any]]]:
    """The cases; returns their notices without a list, by office and day on which they are told."""
    told: dict[tuple[str, dt.date], list[dict[str, Any]]] = {}
    kept: dict[type[models.Base], list[dict[str, Any]]] = {
        model: [] for model in (models.Case, models.Standing, models.ProcedureRecord, models.Match, models.Entry)
    }
    everyone = list(offices().items())
    for number in range(CASES):
        office, host = everyone[number % OFFICES]
        first = chance.randrange(DAYS)
        leaves = days[first] + dt.timedelta(days=chance.randrange(-1, 45))
        left = leaves < TODAY
        case = {"host_country": host, "case_id": f"{host}-AVR-{number:06d}"}
        in_review = not left and number % 20 == 0
        reference = f"{host}-ASY-{number:06d}"
        kept[models.Case].append(
            case | {
                "since": days[first], "family_name": "Nobody", "given_names": "Made Up", "nationality": "XXX",
                "registered_on": days[first], "expected_departure_on": leaves, "departed_on": leaves if left else None,
                "status": "departed" if left else "booked", "status_since": days[first],
                "standing": "review" if in_review else "pending", "to_tell": not in_review, "marked": "",
            }
        )  # fmt: skip
        kept[models.Standing].append(case | {"since": days[first], "standing": "pending"})
        kept[models.ProcedureRecord].append(
            {
                "host_country": host, "asylum_reference": reference, "applied_on": days[first],
                "stage": "first_instance", "outcome": "pending", "final": False,
            }
        )  # fmt: skip
        kept[models.Match].append(
            case | {
                "asylum_reference": reference, "probability": 0.9, "method": "linkage", "model_version": "benchmark",
                "decision": "review" if in_review else "accept", "since": days[first],
                "ended_on": leaves if left else None,
            }
        )  # fmt: skip
        if in_review:
            continue
        entry = f"{number:08d}"
        kept[models.Entry].append(
            case | {
                "entry": entry, "office": office, "asylum_reference": reference,
                "opened_at": dt.datetime.combine(days[first], dt.time(7), dt.UTC),
            }
        )  # fmt: skip
        moved = chance.random() < 0.5 and leaves > days[first] + dt.timedelta(days=6)
        said = [("NEW", "", 0), *([("CHANGED", "date_moved", 5)] if moved else []), *([("DEPARTED", "", -1)] * left)]
        for sequence, (notice, reason, later) in enumerate(said, 1):
            on = leaves + dt.timedelta(days=1) if later < 0 else days[first] + dt.timedelta(days=later)
            told.setdefault((office, on), []).append(
                {
                    "entry": entry, "sequence": sequence, "notice": notice, "reason": reason, "name": "NOBODY, Made Up",
                    "expected_departure_on": leaves, "departed_on": leaves if notice == "DEPARTED" else None,
                    "marked": "", "shared": {},
                }
            )  # fmt: skip
    _insert(session, models.Office, [{"office": office, "composed_for": NOW} for office in offices()])
    for model, rows in kept.items():
        _insert(session, model, rows)
    return told


def _lists(
    session: Session,
    chance: random.Random,
    days: Sequence[dt.date],
    told: Mapping[tuple[str, dt.date], list[dict[str, Any]]],
    channels: Mapping[str, Sequence[str]],
) -> tuple[int, int]:
    """Lists of every working day but some, oldest first, each by two channels; most were answered."""
    kept: dict[type[models.Base], list[dict[str, Any]]] = {
        model: []
        for model in (
            models.List, models.Notice, models.Delivery, models.Attempt, models.Told, models.Response, models.Receipt,
            models.Answer, models.Concern, models.Clearance,
        )
    }  # fmt: skip
    numbers: dict[tuple[str, int], int] = {}
    owed: dict[str, list[dict[str, Any]]] = {office: [] for office in offices()}
    share = LISTS / (OFFICES * sum(day.weekday() < 5 for day in days))
    for day in days:
        for office, host in offices().items():
            owed[office] += told.get((office, day), [])
            if day.weekday() > 4 or (chance.random() > share and day != TODAY):
                continue
            due = dt.datetime.combine(day, dt.time(7), dt.UTC)
            year = numbers[office, day.year] = numbers.get((office, day.year), 0) + 1
            number = len(kept[models.List]) + 1
            late = dt.timedelta(hours=5) if chance.random() < 0.01 else dt.timedelta(minutes=chance.randrange(2, 20))
            kept[models.List].append(
                {
                    "id": number, "office": office, "year": day.year, "number": year, "kind": "scheduled", "state": "told",
                    "due_at": due, "period_from": day, "period_to": day, "as_of": {host: day.isoformat()},
                    "arrangement_version": "benchmark", "columns": [], "sealed_at": due + dt.timedelta(minutes=1),
                    "told_at": due + late,
                }
            )  # fmt: skip
            # A list tells one thing of a case; what else there is goes on the next.
            of_case = {one["entry"]: one | {"list_id": number} for one in reversed(owed[office])}
            notices = list(of_case.values())
            owed[office] = [one for one in owed[office] if one["sequence"] != of_case[one["entry"]]["sequence"]]
            kept[models.Notice] += notices
            for channel in channels[office]:
                delivery, at = len(kept[models.Delivery]) + 1, due + late
                kept[models.Delivery].append(
                    {
                        "id": delivery, "list_id": number, "channel": channel,
                        "state": "delivered", "attempts": 1, "last_attempt_at": at, "delivered_at": at, "cover": {},
                        "proof": {"verified": "read back", "accepted": 1},
                    }
                )  # fmt: skip
                kept[models.Attempt].append({"delivery_id": delivery, "number": 1, "at": at, "outcome": "delivered"})
                kept[models.Told] += [
                    {
                        "list_id": number, "entry": one["entry"], "delivery_id": delivery, "told_at": at,
                        "lead_days": (one["expected_departure_on"] - day).days if not one["departed_on"] else None,
                    }
                    for one in notices
                ]  # fmt: skip
            if notices and (day < TODAY - dt.timedelta(days=3) or chance.random() < 0.5):
                _answer(kept, chance, office, number, notices, due + dt.timedelta(hours=3))
    for model, rows in kept.items():
        _insert(session, model, rows)
    return len(kept[models.List]), len(kept[models.Notice])


def _answer(
    kept: Mapping[type[models.Base], list[dict[str, Any]]],
    chance: random.Random,
    office: str,
    number: int,
    notices: Sequence[Mapping[str, Any]],
    at: dt.datetime,
) -> None:
    response = len(kept[models.Response]) + 1
    kept[models.Response].append(
        {
            "id": response, "office": office, "via": "sftp", "sha256": f"{response:064x}", "came_at": at,
            "outcome": "read", "findings": [],
        }
    )  # fmt: skip
    kept[models.Receipt].append({"list_id": number, "received_at": at, "received_by": "answer"})
    for one in notices:
        answer = len(kept[models.Answer]) + 1
        doubts = chance.random() < 0.01
        kept[models.Answer].append(
            {
                "id": answer, "response_id": response, "list_id": number, "entry": one["entry"], "concern": doubts,
                "remarks": "", "answered_at": at,
            }
        )  # fmt: skip
        if doubts:
            closed = chance.random() < 0.95
            kept[models.Concern].append(
                {
                    "id": len(kept[models.Concern]) + 1, "entry": one["entry"], "answer_id": answer, "raised_at": at,
                    "closed_at": at if closed else None, "closed_by": "the benchmark" if closed else None,
                    "note": "nothing" if closed else None,
                }
            )  # fmt: skip


def _insert(session: Session, model: type[models.Base], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(model.__table__), rows)  # type: ignore[arg-type]
    if session.get_bind().dialect.name == "postgresql" and "id" in model.__table__.columns:
        table = model.__tablename__
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {len(rows) + 1})"))


def arrange(folder: Path) -> Path:
    """Arrangements of all these offices and host countries, in `folder`."""
    arrangements = ROOT / "include" / "arrangements"
    for name in ("offices", "sources"):
        (folder / name).mkdir(parents=True)
    example = (arrangements / "offices" / "GRC-ATH.yaml").read_text(encoding="utf-8")
    for office, host in offices().items():
        written = example.replace("GRC-ATH", office).replace("[GRC]", f"[{host}]").replace("iom_offices: [ATH]\n", "")
        written = written.replace("sftp_grc_ath", f"sftp_{office.lower().replace('-', '_')}")
        written = written.replace("effective_from: 2026-11-01", f"effective_from: {TODAY - dt.timedelta(days=DAYS)}")
        (folder / "offices" / f"{office}.yaml").write_text(written, encoding="utf-8")
    like = (arrangements / "sources" / "GRC.yaml").read_text(encoding="utf-8")
    for host in hosts():
        (folder / "sources" / f"{host}.yaml").write_text(like.replace(": GRC", f": {host}"), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
