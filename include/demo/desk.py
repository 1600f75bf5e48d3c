"""An office's desk: the lists that came, by whichever channel, and what came back on its answers.

Reach for `Desk` to see the demo with an office's eyes: its folder and mailbox, its own keys and password, no ledger.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from smtplib import SMTPException

from paramiko import SSHException
from rich.markup import escape

from include.arrangements.models import Arrangement
from include.delivery.keys import SealRefused
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused
from include.demo.answering import Answer, CannotAnswer, Door, acknowledge, answer, doors
from include.demo.office import Received, mails, open_lists
from include.demo.setting import Setting


@dataclass
class Desk:
    """What lies before an office.

    lists: by number, then by the key of the channel that each copy came by
    """

    setting: Setting
    office: Arrangement
    lists: dict[str, dict[str, Received]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def new_lists(self) -> list[str]:
        """Numbers of the lists that it was not yet told of."""
        self.look()
        new = sorted(number for number in self.lists if f"list {number}" not in self._seen)
        self._seen |= {f"list {number}" for number in new}
        return new

    def look(self) -> None:
        """Open what came since the last look."""
        for channel in self.office.deliver:
            known = [number for number, copies in self.lists.items() if channel.key in copies]
            for received in open_lists(self.setting, self.office.office, channel, known):
                self.lists.setdefault(received.list_number, {})[channel.key] = received

    def open_doors(self, list_number: str) -> dict[Door, Received]:
        """The doors by which this list can be answered now, each with the copy that is answered there."""
        copies = self.lists[list_number]
        return {
            door: copies[channel.key]
            for door, channel in doors(self.office).items()
            if channel.key in copies and copies[channel.key].problem is None
        }

    def entry(self, list_number: str, said: str) -> str:
        """The reference of an entry that is named by it, or by the number of its line. raises: CannotAnswer"""
        references = list(self.names(list_number))
        if said.upper() in references:
            return said.upper()
        if said.isdecimal() and 1 <= int(said) <= len(references):
            return references[int(said) - 1]
        raise CannotAnswer(f"{list_number} has no such line: say 1 to {len(references)}, or an entry's reference")

    def names(self, list_number: str) -> dict[str, str]:
        """Names by entry, in their order, of a list that can be answered; none of another."""
        for received in self.open_doors(list_number).values():
            if received.opened is not None:
                return dict(zip(received.opened.entries["entry"], received.opened.entries["name"], strict=True))
        return {}

    def send(self, list_number: str, answers: Mapping[str, Answer] | None, door: Door) -> str:
        """Answer a list, or acknowledge it (answers: None); returns the name of what went. raises: CannotAnswer"""
        received = self.open_doors(list_number)[door]
        try:
            if answers is None:
                return acknowledge(self.setting, self.office, received, door)
            return answer(self.setting, self.office, doors(self.office)[door], received, answers, door)
        except (SealRefused, DeliveryRefused, DeliveryFailed, SMTPException, SSHException, OSError) as error:
            raise CannotAnswer(f"{list_number} was not answered by {door}: {error}") from None

    def came_back(self) -> Iterator[tuple[str, str]]:
        """Heading and text of what came back since the last look: answers read or refused, and mail that is no list."""
        yield from self._fresh(self._answers())
        yield from self._fresh(self._mail())

    def _fresh(self, found: Iterator[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
        for key, heading, text in found:
            if key not in self._seen:
                self._seen.add(key)
                yield heading, text

    def _answers(self) -> Iterator[tuple[str, str, str]]:
        """Answers that were taken up; what was not understood of one stands in a text beside it."""
        if self.office.answers.folder is None:
            return
        folder = self.setting.offices / self.office.office / self.office.answers.folder.strip("/")
        for place, mark, what in (
            ("read", "[green]✓[/green]", "has read"),
            ("refused", "[red]✗[/red]", "could not read"),
        ):
            files = sorted((folder / place).glob("[!.]*"))
            texts = {path for path in files if path.suffix == ".txt" and path.with_suffix("") in files}
            for path in (path for path in files if path not in texts):
                said = path.with_name(f"{path.name}.txt")
                text = [path.name, said.read_text(encoding="utf-8-sig")] if said in texts else [path.name]
                yield f"{place} {text}", f"{mark} IOM {what} your answer", "\n".join(text).strip()

    def _mail(self) -> Iterator[tuple[str, str, str]]:
        lists_go_to = [to for channel in self.office.deliver if channel.via == "email" for to in channel.to]
        for address in sorted({*lists_go_to, *self.office.answers.remind}):
            for mail in mails(self.setting, [address]):
                body = mail.get_body(("plain",))
                if body is None or (mail["X-Notification-List"] and any(mail.iter_attachments())):
                    continue  # a list or a test message
                heading = f"[cyan]✉[/cyan] a mail came: [bold]{escape(str(mail['Subject']))}[/bold]"
                yield f"mail {mail['Message-ID']}", heading, str(body.get_content()).strip()
