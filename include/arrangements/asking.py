"""Questions whose answers make an arrangement or a host country's sources, asked one by one or given as options.

Reach for `OFFICE` and `COUNTRY` to see what is asked, `answered` to have it answered, `write` to have it where it
belongs. Each answer is held against the model's own setting at once; what is written is read back by the loader.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Answers = dict[str, Any]
"""By a question's name: a text, or a list of them where several are asked for."""


class NotAnswered(ValueError):
    """Answers are missing, wrong or of no use; the message names the options."""


@dataclass(frozen=True)
class Question:
    """One setting, in words. `why` is shown with it, and stands as a comment in the file."""

    name: str
    """Also its option: `answers_folder` is `--answers-folder`."""
    asks: str
    why: str
    setting: str
    """Which setting of which model it is: `ListSettings.at`; empty where it only leads to other questions."""
    allowed: tuple[str, ...] = ()
    usual: Callable[[Answers], str | None] = lambda _: None
    """What an empty line means; None: it must be answered."""
    may_be_none: bool = False
    """A hyphen means none."""
    several: bool = False
    """Commas stand between them."""
    repeated: bool = False
    """One after another, until an empty line; the option may be given again and again."""
    applies: Callable[[Answers], bool] = field(default=lambda _: True)

    @property
    def option(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def value(self, text: str | Sequence[str]) -> Any:
        """What was answered, as the file has it. raises: ValueError in the words of the model"""
        from pydantic import TypeAdapter, ValidationError

        from include.arrangements.reading import in_our_words

        said: Any = "" if text == "-" else text
        if self.may_be_none and said in ("", []):
            return [] if self.several or self.repeated else ""
        if self.repeated:
            said = [_pair(one) for one in ([text] if isinstance(text, str) else text) if one.strip()]
        elif self.several:
            said = [one.strip() for one in str(said).split(",") if one.strip()]
        elif self.setting == "Arrangement.effective_from":
            said = dt.date.fromisoformat(str(text)) if _is_day(str(text)) else text
        if self.allowed and (wrong := [one for one in _each(said) if one not in self.allowed]):
            raise ValueError(f"{wrong[0]!r} is not allowed; allowed: {', '.join(self.allowed)}")
        if not self.setting:
            return said
        try:
            TypeAdapter(_annotation(self.setting)).validate_python(said)
        except ValidationError as error:
            raise ValueError(in_our_words(error.errors(include_url=False)[0])) from None
        return said


def _each(said: Any) -> Sequence[Any]:
    return said if isinstance(said, list) else [said]


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _pair(text: str) -> dict[str, str]:
    column, _, basis = text.partition("=")
    return {"column": column.strip(), "legal_basis": basis.strip()}


def _annotation(setting: str) -> Any:
    """The type of a model's setting with all that it checks."""
    from typing import Annotated

    from include.arrangements import models

    model, _, name = setting.partition(".")
    found = getattr(models, model).model_fields[name]
    return Annotated[found.annotation, found]


def _seals(answers: Answers) -> set[str]:
    return {answers[name] for name in ("sftp_seal", "email_seal") if name in answers}


def _through(way: str) -> Callable[[Answers], bool]:
    return lambda answers: way in answers["via"]


def _sealed(how: str) -> Callable[[Answers], bool]:
    return lambda answers: how in _seals(answers)


def _always(text: str) -> Callable[[Answers], str]:
    return lambda _: text


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = (
    Question("office", "Code of the office", "ISO country, hyphen, code: EST-TLL. Its list numbers begin with it.",
             "Arrangement.office"),
    Question("name", "Name of the office", "As its lists say it.", "Arrangement.name"),
    Question("host_countries", "Host countries whose cases it hears of",
             "A case of another host country is never told to it.", "Arrangement.host_countries", several=True,
             usual=lambda given: given.get("office", "")[:3] or None),
    Question("iom_offices", "Only cases of these IOM offices (-: all)",
             "Where several UNHCR offices share a host country, each must hear of its own people alone.",
             "Arrangement.iom_offices", several=True, usual=_always("-"), may_be_none=True),
    Question("timezone", "Time zone", "Its lists are due by the clock of the office: Europe/Tallinn.",
             "Arrangement.timezone", usual=lambda given: given.get("_timezone")),
    Question("language", "Language of its lists", "Who receives them must be able to read what they are and are not.",
             "Arrangement.language", ("en", "fr", "es", "ar", "ru", "el", "de"), _always("en")),
    Question("days", "Days of the week on which a list is due",
             "The more days, the sooner the office knows; nothing is due on its holidays.",
             "ListSettings.days", WEEK, _always("mon,tue,wed,thu,fri"), several=True),
    Question("at", "Time of day", "After the cut-off of the sources, so that the list knows this day.",
             "ListSettings.at", usual=_always("09:00")),
    Question("holidays", "Public holidays of which country (-: of none)",
             "A list due on one moves to the working day before.", "ListSettings.holidays",
             usual=lambda given: given.get("office", "")[:3] or "-", may_be_none=True),
    Question("urgent_within", "A departure nearer than this is told at once",
             "By an urgent list: else the office could not meet the person any more.", "ListSettings.urgent_within",
             usual=_always("5 working days")),
    Question("format", "Form of its lists",
             "xlsx or csv is answered in the file; pdf is for paper, and answered by telephone.",
             "ListSettings.format", ("xlsx", "csv", "pdf"), _always("xlsx")),
    Question("column", "A column beyond names and dates, as COLUMN=LEGAL BASIS (-: no more)",
             "The letter asks for names and dates alone: each further column needs a law or agreement that allows it.",
             "ListSettings.columns", usual=_always("-"), repeated=True, may_be_none=True),
    Question("consent", "Consent of the person",
             "required: nobody is listed who has not agreed. recorded: the practice of the letter.",
             "Arrangement.consent", ("recorded", "required")),
    Question("via", "By which ways its lists go", "Each is a queue of its own; two ways are surer than one.",
             "", ("sftp", "email"), several=True),
    Question("sftp_connection", "Airflow connection of its SFTP server", "The connection has login and host key.",
             "SftpChannel.connection", usual=lambda given: f"sftp_{_small(given)}", applies=_through("sftp")),
    Question("sftp_folder", "Folder there, from the root", "Lists are put there.", "SftpChannel.folder",
             usual=_always("/lists"), applies=_through("sftp")),
    Question("sftp_seal", "Seal of what goes there",
             "pgp is best; none only for a folder that nobody but the office can read.",
             "SftpChannel.seal", ("pgp", "age", "password", "none"), _always("pgp"), applies=_through("sftp")),
    Question("email_connection", "Airflow connection of the mail server", "IOM's own.", "EmailChannel.connection",
             usual=_always("smtp_avr"), applies=_through("email")),
    Question("email_to", "Mailboxes of the office", "Whoever reads one of them reads who is leaving.",
             "EmailChannel.to", several=True, applies=_through("email")),
    Question("email_seal", "Seal of what goes there", "Personal data never leaves by email unsealed.",
             "EmailChannel.seal", ("pgp", "age", "password"), _always("pgp"), applies=_through("email")),
    Question("fingerprint", "Fingerprint of the office's OpenPGP key",
             "As it told you in person or by telephone: a key that came by mail may be anybody's.",
             "SftpChannel.fingerprint", applies=_sealed("pgp")),
    Question("recipient", "The office's age recipient, age1…", "As it told you in person or by telephone.",
             "SftpChannel.recipient", applies=_sealed("age")),
    Question("password_by", "By which way the office is told its list password",
             "Never a mailbox that gets the lists: who opens it would have list and password.",
             "SftpChannel.password_by", applies=_sealed("password")),
    Question("answers_folder", "Folder in which it leaves its answers (-: none)", "On the same SFTP server.",
             "Answers.folder", usual=_always("/answers"), applies=_through("sftp"), may_be_none=True),
    Question("mailbox", "Connection of IOM's mailbox to which it replies (-: none)",
             "A concern about a person must have a way back.", "Answers.mailbox",
             usual=lambda given: "imap_avr" if "email" in given.get("via", ()) else "-", may_be_none=True),
    Question("remind", "Whom at the office reminders go to (-: nobody)",
             "Who does not say to have a list is reminded; where nobody is, IOM is told at once.",
             "Answers.remind", usual=lambda given: ",".join(given.get("email_to", ())) or "-", several=True,
             may_be_none=True),
    Question("escalate", "IOM's focal point, by mail", "Is told of every concern and of every late list, at any hour.",
             "Answers.escalate", several=True),
    Question("contact_name", "Whom the office calls (-: the focal point)", "Its lists name them.",
             "Contact.name", usual=_always("-"), may_be_none=True),
    Question("contact_email", "Their mail", "Stands on every list.", "Contact.email",
             usual=lambda given: next(iter(given.get("escalate", ())), None),
             applies=lambda given: given["contact_name"]),
    Question("contact_phone", "Their telephone (-: none)", "For what cannot wait for a mail.", "Contact.phone",
             usual=_always("-"), applies=lambda given: given["contact_name"], may_be_none=True),
    Question("effective_from", "First day on which it is in force", "No list is due before.",
             "Arrangement.effective_from", usual=lambda given: given.get("_tomorrow")),
)  # fmt: skip
COUNTRY = (
    Question("host_country", "Host country", "ISO 3166-1 alpha-3: EST.", "Source.host_country"),
    Question("timezone", "Time zone of its sources", "The day of a file is the day there.", "Source.timezone"),
    Question("cases_url", "Where the AVR cases of a day are",
             "{HOST} and {YYYYMMDD} are filled in. An sftp url names no host: that is the connection's.", "Source.url",
             usual=_always("sftp:///{HOST}/avr_cases_{HOST}_{YYYYMMDD}.csv")),
    Question("register_url", "Where the asylum procedures of a day are", "The same.", "Source.url",
             usual=_always("sftp:///{HOST}/asylum_procedure_{HOST}_{YYYYMMDD}.csv")),
    Question("cases_connection", "Airflow connection of the AVR cases (- for file://)",
             "It has login and host key of the server.", "Source.connection", usual=_always("sftp_sources"),
             may_be_none=True),
    Question("register_connection", "Airflow connection of the asylum procedures (- for file://)",
             "Often another server: the authority's.", "Source.connection",
             usual=lambda given: given.get("cases_connection") or "-", may_be_none=True),
    Question("at", "When the pull begins", "The files are looked for from then on.", "Source.at",
             usual=_always("06:00")),
    Question("cut_off", "When it gives up, visibly", "Before the lists of its offices are due.", "Source.cut_off",
             usual=_always("08:30")),
    Question("manifest", "Does each file come with a manifest?",
             "Without one a cut-off file is known only by what it lost, and waits for a person.", "Source.manifest",
             ("required", "none"), _always("required")),
    Question("cases_owner", "Data owner of the AVR cases, by mail",
             "Is asked for a better file, and gets quarantined rows.", "Source.data_owner"),
    Question("register_owner", "Data owner of the asylum procedures, by mail", "The same.", "Source.data_owner"),
    Question("focal_point", "IOM's focal point in the host country, by mail", "Is told what the sources do not say.",
             "Source.iom_focal_point"),
)  # fmt: skip


def _small(given: Mapping[str, Any]) -> str:
    return str(given.get("office", "")).lower().replace("-", "_")


def answered(
    questions: Sequence[Question], given: Mapping[str, Any], console: "Console | None", hints: Answers | None = None
) -> Answers:
    """An answer to each question that applies.

    given: answers by name, None where there is none
    console: on which the rest is asked, one by one; without it the usual is taken
    hints: what usual answers are worked out from beside earlier answers, by names with `_` in front
    raises: NotAnswered
    """
    answers: Answers = dict(hints or {})
    missing = []
    for question in questions:
        text, usual = given.get(question.name), None
        if not question.applies(answers):
            if text is not None:
                raise NotAnswered(f"{question.option} has no place beside the other answers")
            continue
        usual = question.usual(answers)
        if text is None and console is not None:
            answers[question.name] = _ask(question, usual, console)
        elif text is None and usual is None:
            missing.append(question.option)
            answers[question.name] = [] if question.several else ""
        else:
            try:
                answers[question.name] = question.value(text if text is not None else usual or "")
            except ValueError as error:
                raise NotAnswered(f"{question.option}: {error}") from None
    if missing:
        raise NotAnswered(f"not answered: {', '.join(missing)}; give them, or run it in a terminal to be asked")
    return answers


def _ask(question: Question, usual: str | None, console: "Console") -> Any:
    from rich.prompt import Prompt

    console.print(f"[dim]{question.why}[/dim]", highlight=False)
    found: list[Any] = []
    while True:
        allowed = f" ({', '.join(question.allowed)})" if question.allowed else ""
        text = Prompt.ask(f"[bold]{question.asks}[/bold]{allowed}", console=console, default=usual or "").strip()
        try:
            value = question.value(text)
        except ValueError as error:
            console.print(f"[red]{error}[/red]", highlight=False)
            continue
        if not question.repeated:
            return value
        if not value:
            return found
        found += value
        usual = "-"


def write(folder: Path, inside: str, name: str, text: str) -> Path:
    """Write the file where it belongs, once the project's own loader has read it.

    inside: `offices` or `sources`
    raises: FileExistsError, nothing being written; NotAnswered with what the loader says of it
    """
    from include.arrangements.reading import load_offices, load_sources

    path = folder / inside / f"{name}.yaml"
    with tempfile.TemporaryDirectory() as trial:
        (Path(trial) / inside).mkdir()
        (Path(trial) / inside / path.name).write_text(text, encoding="utf-8")
        problems = (load_offices if inside == "offices" else load_sources)(Path(trial))[1]
    if problems:
        raise NotAnswered("\n".join(str(problem) for problem in problems))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise FileExistsError(
            f"{path} is there already and stays as it is; a change is a further version in it, see docs/arrangements.md"
        ) from None
    return path
