"""The command line: `python -m include COMMAND --help`.

Reach for this to run a room by hand. Rooms are imported only by the command that needs them.
"""

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from include.arrangements.asking import COUNTRY, OFFICE, Question
from include.settings import arrangements_folder, data_folder, spark_master

if TYPE_CHECKING:
    from rich.console import Console


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = make_parser().parse_args(arguments)
    code: int = given.run(given)
    return code


def make_parser() -> argparse.ArgumentParser:
    """Every command and what it takes."""
    parser = argparse.ArgumentParser(prog="python -m include", description="AVR notifications, from the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], int], name: str, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(run=run)
        return added

    linking = command(_link, "link", "link AVR cases to an asylum register")
    linking.add_argument("cases", type=Path, metavar="CASES.csv")
    linking.add_argument("register", type=Path, metavar="REGISTER.csv")
    linking.add_argument("--out", type=Path, required=True, metavar="MATCHES.csv")

    explaining = command(_explain, "explain", "show what speaks for and against a case and a record being one person's")
    explaining.add_argument("case_id", metavar="CASE")
    explaining.add_argument("asylum_reference", metavar="REF")
    explaining.add_argument("--host", metavar="HOST", help="where the same case id is known in several host countries")

    deciding = command(_matches, "matches", "show what waits for a person, or decide on a case and a record")
    deciding.add_argument("case_id", nargs="?", metavar="CASE", help="without it: everything that is open")
    deciding.add_argument("asylum_reference", nargs="?", metavar="REF")
    wanted = deciding.add_mutually_exclusive_group()
    for decision, meaning in (
        ("accept", "they are one person"),
        ("reject", "they are two people; what an office was told by this match is cancelled"),
        ("reopen", "it cannot be told, or an earlier decision is taken back"),
    ):
        wanted.add_argument(f"--{decision}", dest="decision", action="store_const", const=decision, help=meaning)
    wanted.add_argument("--history", action="store_true", help="every decision on the case")
    deciding.add_argument("--by", default="", metavar="WHO", help="who decides")
    deciding.add_argument("--reason", default="", metavar="WHY", help="what was seen, without names")
    deciding.add_argument("--one-person", action="store_true", help="what is accepted beside it is this person's too")
    deciding.add_argument("--host", metavar="HOST", help="one host country; needed where it shares the case id")

    reviewing = command(_review, "review", "how the promise was kept over a time, for both headquarters")
    reviewing.add_argument("--from", dest="first", type=dt.date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    reviewing.add_argument("--to", dest="last", type=dt.date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    reviewing.add_argument("--folder", type=Path, metavar="OUT", help="without it: reviews/ of the data folder")

    checking = command(_check, "check", "check the arrangements of offices and sources")
    checking.add_argument("folder", type=Path, nargs="?", default=arrangements_folder())
    checking.add_argument("--office", nargs="+", default=[], metavar="OFFICE", help="only these offices' arrangements")
    checking.add_argument(
        "--connect", action="store_true", help="with --office: prove it against its real servers, by a test message"
    )

    confirming = command(_confirm, "confirm", "open a new address for lists: its office answered the test message")
    confirming.add_argument("office", metavar="OFFICE")
    confirming.add_argument("code", nargs="?", metavar="CODE", help="the code of the test message")
    confirming.add_argument("--vouch", action="store_true", help="instead of a code: you know that it arrived")
    confirming.add_argument("--by", required=True, metavar="WHO", help="who took the answer, or vouches")

    policy = command(
        _policy, "policy", "headquarters' rules on persons of concern: why a case is one, or a change tried"
    )
    asked = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    about = asked.add_parser("explain", help="which rules mean a case, by which version, why, and what offices add")
    about.add_argument("case_id", metavar="CASE")
    about.add_argument("--host", metavar="HOST", help="where the same case id is known in several host countries")
    trying = asked.add_parser("replay", help="what changed rules would have done on past days; nothing is written")
    trying.add_argument("--from", dest="first", type=dt.date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    trying.add_argument("--to", dest="last", type=dt.date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    trying.add_argument(
        "--file", type=Path, metavar="NEW.yaml", help="its newest version; without it, the policy's own"
    )

    schedule = command(_schedule, "schedule", "print when an office's next lists are due, and why a date moved")
    schedule.add_argument("office", metavar="OFFICE")
    schedule.add_argument("--from", dest="start", type=dt.date.fromisoformat, default=None, metavar="YYYY-MM-DD")
    schedule.add_argument("--count", type=int, default=10)

    schemas = command(_schemas, "schemas", "write the JSON Schemas that editors check arrangements with")
    schemas.add_argument("folder", type=Path, nargs="?", default=arrangements_folder() / "schema")

    sample = command(_sample, "sample", "write a made-up world to run on")
    sample.add_argument("--out", type=Path, required=True)
    sample.add_argument("--seed", type=int, default=1)
    sample.add_argument("--hosts", nargs="+", default=["GRC", "DEU", "NER", "TUR", "PAK"], metavar="HOST")
    sample.add_argument("--from", dest="first_day", type=dt.date.fromisoformat, default=dt.date(2026, 11, 2))
    sample.add_argument("--days", type=int, default=2)
    sample.add_argument("--cases", type=int, default=60, help="AVR cases of each host country")
    sample.add_argument("--register", type=int, default=600, help="procedure records of each host country")

    migrating = command(_migrate, "migrate", "bring the ledger to its newest form, or back to an older one")
    migrating.add_argument("--to", metavar="NUMBER", help="back to this migration; refused where something were lost")
    migrating.add_argument("--lose", action="store_true", help="with --to: lose it all the same, after a dump")

    command(_grants, "grants", "give each process's login its rights on the ledger, as its owner, after migrate")

    alive = command(_alive, "alive", "whether Airflow's sweep has run lately, for cron or a health check")
    alive.add_argument("--within", type=float, default=90, metavar="MINUTES", help="how old its heartbeat may be (90)")

    accept = command(_accept, "accept", "accept an extract that waits for a person")
    accept.add_argument("partition", metavar="HOST|YYYY-MM-DD")
    accept.add_argument("kind", choices=["avr_cases", "asylum_procedure"])
    accept.add_argument("sha256")

    void = command(
        _void, "void", "give up a list or paper that can never be delivered; a list's entries are owed again"
    )
    void.add_argument("number", metavar="NUMBER", help="OFFICE_YYYY-NNNN of a list, OFFICE_YYYY-RNN of a summary")
    void.add_argument("--reason", required=True)

    command(_password, "password", "print a fresh list password for an office; nothing keeps it")

    command(_signing_key, "signing-key", "print what offices check the signatures of their lists with")

    resend = command(_resend, "resend", "let a list or paper that came back, or did not reach everybody, go once more")
    resend.add_argument("number", metavar="NUMBER", help="OFFICE_YYYY-NNNN of a list, OFFICE_YYYY-RNN of a summary")

    concerns = command(_concerns, "concerns", "show the concerns about voluntariness that stand, or close one")
    concerns.add_argument("action", nargs="?", choices=["show", "close"], help="without it: all that stand")
    concerns.add_argument("entry", nargs="?", metavar="ENTRY")
    concerns.add_argument("--by", default="", metavar="WHO", help="who has looked into it")
    concerns.add_argument("--note", default="", metavar="WHAT", help="what was found, without names")

    clearing = command(_clearances, "clearances", "show the cases at which a person must look first, or clear one")
    clearing.add_argument("action", nargs="?", choices=["show", "clear"], help="without it: all that wait")
    clearing.add_argument("number", nargs="?", type=int, metavar="NUMBER")
    clearing.add_argument("--by", default="", metavar="WHO", help="who has looked at the case")
    clearing.add_argument("--note", default="", metavar="WHAT", help="what was found, without names")

    received = command(_received, "received", "note that an office said, by telephone or letter, that it has a list")
    received.add_argument("list_number", metavar="OFFICE_YYYY-NNNN")
    received.add_argument("--by", required=True, metavar="WHO", help="who took its word")

    person = command(
        _person, "person", "a person's own file: all that is held about them, what was told to whom and when"
    )
    person.add_argument("case_id", metavar="CASE")
    person.add_argument("--host", metavar="HOST", help="where the same case id is known in several host countries")
    person.add_argument("--folder", type=Path, default=Path(), metavar="OUT", help="where it is written")
    person.add_argument("--language", default="en", metavar="en|fr|es|ar|ru|el|de")

    erasing = command(_erase, "erase", "erase a case because its person asks for it, once its offices have heard")
    erasing.add_argument("case_id", metavar="CASE")
    erasing.add_argument("--host", metavar="HOST", help="where the same case id is known in several host countries")
    erasing.add_argument("--by", required=True, metavar="WHO", help="who took the request")
    erasing.add_argument("--reason", required=True, metavar="HOW", help="how the request came, without names")

    holding = command(_hold, "hold", "let nothing of a case be erased, for a court or a complaint")
    holding.add_argument("case_id", metavar="CASE")
    holding.add_argument("--host", metavar="HOST", help="where the same case id is known in several host countries")
    holding.add_argument("--by", required=True, metavar="WHO", help="who holds it, or lifts that")
    holding.add_argument("--reason", default="", metavar="WHY", help="for whom or what it is kept, without names")
    holding.add_argument("--lift", action="store_true", help="let it be erased again")

    demo = command(_demo, "demo", "run the main job with real servers and a real Airflow")
    demo.add_argument("--folder", type=Path, default=Path("demo-data"))
    demo.add_argument("--days", type=int, default=2)
    demo.add_argument("--once", action="store_true", help="stop when every list was checked")

    offices = commands.add_parser("office", help="what an office does", description="What an office does.")
    office_commands = offices.add_subparsers(dest="office_command", required=True, metavar="COMMAND")
    summary = "be an office beside a running demo: see its lists, answer them, and see what comes of it"
    playing = office_commands.add_parser("play", help=summary, description=summary)
    playing.set_defaults(run=_play)
    playing.add_argument("office", metavar="OFFICE")
    playing.add_argument("--folder", type=Path, default=Path("demo-data"), help="the demo's")
    playing.add_argument(
        "--answer",
        nargs="+",
        action="append",
        default=[],
        metavar=("ENTRY", "SAID"),
        help="answer without asking: an entry, or LIST:LINE, then concern=yes, closed=YYYY-MM-DD, remarks=TEXT",
    )
    playing.add_argument("--receipt", action="append", default=[], metavar="LIST", help="say only that it is there")
    playing.add_argument("--door", choices=["folder", "email"], help="by which answers go, where the office has both")
    playing.add_argument("--once", action="store_true", help="with the lists that are here now; then stop")

    summary = "write the arrangement of a new office: asks what is not given, explains, and checks each answer"
    _ask_for(office_commands.add_parser("new", help=summary, description=summary), OFFICE, _new_office)
    countries = commands.add_parser("country", help="a host country's sources", description="A host country's sources.")
    country_commands = countries.add_subparsers(dest="country_command", required=True, metavar="COMMAND")
    summary = "write the sources of a new host country, as `office new` does an arrangement"
    _ask_for(country_commands.add_parser("new", help=summary, description=summary), COUNTRY, _new_country)

    return parser


def _link(given: argparse.Namespace) -> int:
    from include.matching.linkage import link_files

    return _told(lambda: link_files(given.cases, given.register, given.out, spark=spark_master()))


def _explain(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.reports.evidence import show

    return _told(lambda: show(given.case_id, given.asylum_reference, given.host, Console()))


def _matches(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.reports.matches import decide, show_history, show_queue

    console = Console()
    if given.case_id is None and not given.decision and not given.history:
        return _told(lambda: show_queue(given.host, dt.datetime.now(dt.UTC).date(), console))
    if given.case_id is None:
        return _fail("say which case, as python -m include matches lists it")
    if given.history:
        return _told(lambda: show_history(given.case_id, given.host, console))
    if given.asylum_reference is None or not given.decision:
        return _fail("say the case, the record and one of --accept, --reject, --reopen; or the case and --history")
    return _told(
        lambda: decide(
            given.case_id,
            given.asylum_reference,
            given.decision,
            by=given.by,
            reason=given.reason,
            host_country=given.host,
            one_person=given.one_person,
            console=console,
            clock=lambda: dt.datetime.now(dt.UTC),
        )
    )


def _review(given: argparse.Namespace) -> int:
    from include.reports.cooperation.figures import Period
    from include.reports.cooperation.keeping import made, write

    def review() -> None:
        period = Period(given.first, given.last)
        files = [(file.name, file.content) for file in made(period, dt.datetime.now(dt.UTC))]
        for path in write(files, given.folder or data_folder() / "reviews" / "by-hand"):
            sys.stdout.write(f"{path}\n")

    return _told(review)


def _check(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.arrangements.checking import report

    if given.connect and not given.office:
        return _fail("--connect needs --office: a test message goes to the offices that are named, to no other")
    if given.connect:
        from include.proving import prove

        return max(prove(office, Console()) for office in given.office)
    return report(given.folder, Console(), given.office)


def _confirm(given: argparse.Namespace) -> int:
    from include.ledger.engine import writing
    from include.ledger.recipients import confirm

    if bool(given.code) == given.vouch:
        return _fail("give the CODE that the office said, or --vouch")

    def open_address() -> None:
        with writing() as session:
            opened = confirm(session, given.office, given.code, given.by, dt.datetime.now(dt.UTC))
        sys.stdout.write("".join(f"open for lists: {channel}\n" for channel in opened))

    return _told(open_address)


def _policy(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.reports.policy import replay, show_rules_of

    console = Console()
    if given.action == "explain":
        return _told(lambda: show_rules_of(given.case_id, given.host, console))
    return _told(lambda: replay(given.first, given.last, given.file, console))


def _schedule(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.arrangements.checking import print_schedule
    from include.arrangements.reading import load_offices

    offices, _ = load_offices(arrangements_folder())
    if given.office not in offices:
        return _fail(f"there is no good arrangement of {given.office}; python -m include check says more")
    start = given.start or dt.datetime.now(dt.UTC).date()
    print_schedule(offices[given.office], start, given.count, Console())
    return 0


def _schemas(given: argparse.Namespace) -> int:
    from include.arrangements.schemas import write_schemas

    write_schemas(given.folder)
    return 0


def _sample(given: argparse.Namespace) -> int:
    from include.sample.command import write

    write(given.out, given.seed, given.hosts, given.first_day, given.days, given.cases, given.register)
    return 0


def _migrate(given: argparse.Namespace) -> int:
    from include.ledger.migrating import migrate, migrate_back

    if given.to is None:
        migrate()
        return 0
    return _told(lambda: migrate_back(given.to, lose=given.lose))


def _alive(given: argparse.Namespace) -> int:
    from include import heartbeat
    from include.runbook import Page

    try:
        age = heartbeat.age(dt.datetime.now(dt.UTC))
    except (OSError, ValueError) as error:
        return _fail(f"No heartbeat of Airflow's sweep can be read ({type(error).__name__}). {Page.NO_HEARTBEAT.hint}")
    said = f"Airflow's sweep ran {age.total_seconds() / 60:.0f} minutes ago"
    # One from the future is no sign of life: a clock is wrong, and what is due is not known.
    if abs(age) > dt.timedelta(minutes=given.within):
        return _fail(f"{said}; no longer than {given.within:.0f} is allowed. {Page.NO_HEARTBEAT.hint}")
    sys.stdout.write(f"{said}.\n")
    return 0


def _grants(_: argparse.Namespace) -> int:
    from include.ledger.grants import grant

    return _told(grant)


def _accept(given: argparse.Namespace) -> int:
    from include.extracts.partition import accept_landed

    return _told(lambda: accept_landed(given.partition, given.kind, given.sha256, dt.datetime.now(dt.UTC)))


def _void(given: argparse.Namespace) -> int:
    from include.delivery.send import give_up

    return _told(lambda: give_up(given.number, given.reason, dt.datetime.now(dt.UTC)))


def _password(_: argparse.Namespace) -> int:
    from include.delivery.passwords import make_password, spoken

    password = make_password()
    groups = "\n".join(f"  {group}   {words}" for group, words in spoken(password))
    sys.stdout.write(
        f"{password}\n\nRead out, small letters, a hyphen between the groups:\n{groups}\n\n"
        "1. Put it into Airflow's connection seal_OFFICE (seal_grc_ath) as its password, and into its extra\n"
        f'   "password_since": "{dt.datetime.now(dt.UTC).date()}".\n'
        "2. Tell it to the office by the way that `password_by` of its arrangement names, and by no other.\n"
        "It is kept nowhere else and not shown again.\n"
    )
    return 0


def _signing_key(_: argparse.Namespace) -> int:
    from include.connections import signing_key
    from include.delivery.keys import SealRefused
    from include.delivery.openpgp import signing_certificate
    from include.delivery.outcomes import DeliveryRefused

    try:
        certificate, fingerprint = signing_certificate(signing_key(), dt.datetime.now(dt.UTC))
    except (DeliveryRefused, SealRefused) as refused:
        return _fail(str(refused))
    grouped = " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
    sys.stdout.write(
        f"{certificate}\nFingerprint: {grouped}\n\n"
        "Send the block above to the offices as iom.asc. Tell each the fingerprint by another way than its lists come\n"
        "by, such as the telephone or in person: it is what proves to them that the key is IOM's.\n"
    )
    return 0


def _resend(given: argparse.Namespace) -> int:
    from include.ledger import outbox, papers
    from include.ledger.engine import writing

    def resend() -> None:
        with writing() as session:
            (papers.resend_paper if papers.is_number(given.number) else outbox.resend_list)(session, given.number)

    return _told(resend)


def _concerns(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.ledger.engine import writing
    from include.ledger.responses import close_concern
    from include.reports.concerns import show_one, show_open

    def close() -> None:
        with writing() as session:
            close_concern(session, given.entry, given.by, given.note, dt.datetime.now(dt.UTC))

    if given.action is None:
        return _told(lambda: show_open(dt.datetime.now(dt.UTC), Console()))
    if given.entry is None:
        return _fail("say which entry, as python -m include concerns lists it")
    return _told(close if given.action == "close" else lambda: show_one(given.entry, Console()))


def _clearances(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.ledger.clearances import clear
    from include.ledger.engine import writing
    from include.reports.clearances import show_waiting, show_waiting_one

    def clear_one() -> None:
        with writing() as session:
            clear(session, given.number, given.by, given.note, dt.datetime.now(dt.UTC))

    if given.action is None:
        return _told(lambda: show_waiting(dt.datetime.now(dt.UTC), Console()))
    if given.number is None:
        return _fail("say which number, as python -m include clearances lists it")
    return _told(clear_one if given.action == "clear" else lambda: show_waiting_one(given.number, Console()))


def _received(given: argparse.Namespace) -> int:
    from include.ledger.engine import writing
    from include.ledger.responses import received_by

    def receive() -> None:
        with writing() as session:
            received_by(session, given.list_number, given.by, dt.datetime.now(dt.UTC))

    return _told(receive)


def _person(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.retention.rights import write_person

    now = dt.datetime.now(dt.UTC)
    return _told(lambda: write_person(given.case_id, given.host, given.folder, given.language, now, Console()))


def _erase(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.retention.rights import erase
    from include.retention.run import StillThere

    now = dt.datetime.now(dt.UTC)
    try:
        return _told(
            lambda: erase(given.case_id, given.host, by=given.by, reason=given.reason, now=now, console=Console())
        )
    except StillThere as still:
        return _fail(str(still))


def _hold(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.retention.rights import hold

    now = dt.datetime.now(dt.UTC)
    words = {"by": given.by, "reason": given.reason}
    return _told(lambda: hold(given.case_id, given.host, **words, lift=given.lift, now=now, console=Console()))


def _demo(given: argparse.Namespace) -> int:
    from include.demo.run import run

    return run(given.folder.resolve(), days=given.days, once=given.once)


def _play(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.demo.play import play
    from include.demo.scripted import Wish, wish

    def sit_down() -> None:
        wishes = [wish(entry, said) for entry, *said in given.answer] + [Wish(number) for number in given.receipt]
        play(given.office, given.folder.resolve(), Console(), wishes=wishes, door=given.door, once=given.once)

    return _told(sit_down)


def _ask_for(
    parser: argparse.ArgumentParser, questions: Sequence[Question], run: Callable[[argparse.Namespace], int]
) -> None:
    """Each question as an option, the first one by its place."""
    first, *others = questions
    parser.add_argument(first.name, nargs="?", metavar=first.name.partition("_")[0].upper(), help=first.asks)
    for question in others:
        allowed = f": {', '.join(question.allowed)}" if question.allowed else ""
        parser.add_argument(
            question.option,
            action="append" if question.repeated else "store",
            metavar=question.name.rpartition("_")[2].upper(),
            help=f"{question.asks}{allowed}",
        )
    parser.add_argument("--folder", type=Path, default=arrangements_folder(), help="of the arrangements")
    parser.set_defaults(run=run)


def _new_office(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.arrangements.new import new_office

    console, today = Console(), dt.datetime.now(dt.UTC).date()
    return _told(lambda: new_office(vars(given), given.folder, console, asks=_can_ask(console), today=today))


def _new_country(given: argparse.Namespace) -> int:
    from rich.console import Console

    from include.arrangements.new import new_country

    console = Console()
    return _told(lambda: new_country(vars(given), given.folder, console, asks=_can_ask(console)))


def _can_ask(console: "Console") -> bool:
    """Whether somebody sits at a terminal."""
    return console.is_terminal and sys.stdin.isatty()


def _told(work: Callable[[], object]) -> int:
    """Run `work`; an error that a person can act on is one sentence, not a traceback."""
    try:
        work()
    except (OSError, ValueError, LookupError) as error:
        return _fail(str(error))
    return 0


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
