"""150 lists signed, sealed and sent, by this project and as a person's shell script does it: one `gpg` and one `sftp` a list.

`python -m benchmarks.delivery` sends to OpenSSH's own `sshd`, which it starts on a free port and ends again (`apt-get
install openssh-server`; it need not run as a service). Both sides send the same bytes to the same keys, and log in anew
for each list, since each office has a server of its own. Ours does more: the ledger knows of each list before and after
it is sent, and what arrived is read back and compared before it gets its name.
"""

import argparse
import datetime as dt
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import paramiko
from rich.console import Console

from benchmarks.results import save
from include.arrangements.models import SftpChannel
from include.delivery.keys import SealingKey, SigningKey
from include.delivery.openpgp import make_key
from include.delivery.sealing import seal
from include.delivery.send import send_owed
from include.demo.ports import free_port
from include.ledger import outbox
from include.ledger.engine import engine, writing
from include.ledger.migrating import migrate
from include.ledger.models import Case, List
from include.ledger.sending import Parcel
from include.lists.document import RenderedFile

LISTS, ROUNDS = 150, 3
SIZE = 20_000
"""Bytes of one list: an XLSX of some two hundred entries. It is a ZIP, so sealing makes it no smaller."""
ENTRIES = 20
NOW = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Office:
    """An office, its OpenPGP key and its list."""

    code: str
    certificate: str
    fingerprint: str
    file: RenderedFile


@dataclass(frozen=True)
class Signer:
    """IOM's own OpenPGP key."""

    certificate: str
    secret_key: str
    fingerprint: str


@dataclass(frozen=True)
class Server:
    """A running sshd, and what it takes to log in."""

    port: int
    user: str
    folder: Path
    key: Path
    known_hosts: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=LISTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    # /var/tmp, because the server may run as another user, to whom /tmp may be closed.
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="avr-delivery-") as temporary,
        _server(Path(temporary)) as to,
    ):
        work = Path(temporary) / "work"
        offices = [_office(number) for number in range(given.lists)]
        signer = Signer(*make_key("IOM (benchmark)"))
        keyring = _keyring(work / "gnupg", offices, signer)
        times: dict[str, list[float]] = {"by hand": [], "ours": []}
        for number in range(given.rounds):
            # In turns, so that what else the machine does befalls both.
            folder = f"hand{number}"
            times["by hand"].append(
                _timed(partial(_by_hand, offices, keyring, signer, work, to, folder), to.folder / folder)
            )
            folder = f"ours{number}"
            ledger = _ledger(work / folder, offices)
            times["ours"].append(_timed(partial(_ours, offices, ledger, signer, to, folder), to.folder / folder))
            engine(ledger).dispose()
        subprocess.run(["gpgconf", "--homedir", str(keyring), "--kill", "all"], check=False)
    by_hand, ours = (statistics.median(times[name]) for name in ("by hand", "ours"))
    rows = [
        {
            "way": "gpg and sftp, once a list",
            "seconds": f"{by_hand:.1f}",
            "a list": f"{by_hand / given.lists * 1000:.0f} ms",
            "ratio": 1,
        },
        {
            "way": "this project, with its ledger",
            "seconds": f"{ours:.1f}",
            "a list": f"{ours / given.lists * 1000:.0f} ms",
            "ratio": round(ours / by_hand, 2),
        },
    ]
    title = f"{given.lists} lists of {SIZE // 1000} kB signed, sealed with OpenPGP and sent by SFTP, median of {given.rounds}"
    versions = {
        "gpg": _first_line("gpg", "--version"),
        "ssh": _first_line("ssh", "-V"),
        "paramiko": paramiko.__version__,
    }
    save("delivery", {title: rows}, versions, Console())


def _office(number: int) -> Office:
    code = f"XXX-{number:03d}"
    certificate, _, fingerprint = make_key(f"{code} (benchmark)")
    return Office(
        code, certificate, fingerprint, RenderedFile(f"{code}_2026-0001_scheduled.xlsx", os.urandom(SIZE), True)
    )


def _timed(send: Callable[[], list[Office]], folder: Path) -> float:
    """Seconds that `send` takes, after which every list must be in `folder`."""
    begun = time.monotonic()
    offices = send()
    seconds = time.monotonic() - begun
    if sorted(path.name for path in folder.iterdir()) != [f"{office.file.name}.pgp" for office in offices]:
        sys.exit(f"{folder.name}: not every list arrived")
    return seconds


def _by_hand(offices: list[Office], keyring: Path, signer: Signer, work: Path, to: Server, name: str) -> list[Office]:
    _folder_for(to, name)
    options = ["-q", "-P", str(to.port), "-i", str(to.key), "-o", f"UserKnownHostsFile={to.known_hosts}"]
    for office in offices:
        plain, sealed = work / office.file.name, work / f"{office.file.name}.pgp"
        plain.write_bytes(office.file.content)
        subprocess.run(
            ["gpg", "--homedir", keyring, "--batch", "--yes", "--quiet", "--trust-model", "always",
             "--local-user", signer.fingerprint, "--recipient", office.fingerprint, "--output", sealed,
             "--sign", "--encrypt", plain],
            check=True,
        )  # fmt: skip
        batch = f"put {sealed} {to.folder / name}/"
        subprocess.run(
            ["sftp", *options, "-b", "-", f"{to.user}@127.0.0.1"],
            input=batch.encode(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return offices


def _ledger(folder: Path, offices: list[Office]) -> str:
    """A ledger that knows the cases of the offices' lists; its URL."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    migrate(url)
    case = {
        "host_country": "XXX", "since": NOW.date(), "nationality": "XXX", "registered_on": NOW.date(), "status": "booked",
        "status_since": NOW.date(), "standing": "pending", "to_tell": True, "marked": "",
    }  # fmt: skip
    with writing(url) as session:
        session.add_all(Case(**case, case_id=one) for office in offices for one in _cases(office.code))
    return url


def _ours(offices: list[Office], url: str, signer: Signer, to: Server, name: str) -> list[Office]:
    folder = _folder_for(to, name)
    key = paramiko.Ed25519Key.from_private_key_file(str(to.key))

    @contextmanager
    def open_sftp(_connection: str) -> Iterator[paramiko.SFTPClient]:
        with paramiko.SSHClient() as client:
            client.load_host_keys(str(to.known_hosts))
            client.connect("127.0.0.1", to.port, to.user, pkey=key, allow_agent=False, look_for_keys=False)
            yield client.open_sftp()

    with patch.dict(os.environ, {"AVR_LEDGER": url}):
        for office in offices:
            fingerprint = office.fingerprint
            channel = SftpChannel(via="sftp", connection="a", folder=str(folder), seal="pgp", fingerprint=fingerprint)
            _seal_and_store(office, channel, signer)
            send_owed(
                office.code,
                [channel],
                open_sftp=open_sftp,
                open_smtp=open_sftp,
                admitted=lambda _: None,
                clock=lambda: NOW,
            )
    return offices


def _seal_and_store(office: Office, channel: SftpChannel, signer: Signer) -> None:
    key = SealingKey(public_key=office.certificate, signing=SigningKey(signer.secret_key, None))
    (sealed,) = seal(office.file, channel, key, dt.datetime.now(dt.UTC))
    with writing() as session:
        outbox.lock_office(session, office.code)
        notices = outbox.give_entries(session, office.code, _notices(office.code), NOW)
        made = List(
            office=office.code, year=2026, number=1, kind="scheduled", state="sealed", due_at=NOW, as_of={}, columns=[],
            period_from=NOW.date(), period_to=NOW.date(), arrangement_version="benchmark", sealed_at=NOW,
        )  # fmt: skip
        parcel = Parcel(channel.key, {}, ((sealed.name, sealed.content, sealed.sha256),))
        outbox.store_list(session, made, notices, [parcel])


def _notices(office: str) -> pd.DataFrame:
    rows = [
        {
            "host_country": "XXX", "case_id": case, "notice": "NEW", "reason": "", "name": "NOBODY, Made Up",
            "expected_departure_on": pd.Timestamp("2026-11-20"), "previous_expected_departure_on": pd.NaT,
            "departed_on": pd.NaT, "marked": "", "shared": {},
        }
        for case in _cases(office)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _cases(office: str) -> list[str]:
    return [f"{office}-{number}" for number in range(ENTRIES)]


def _folder_for(to: Server, name: str) -> Path:
    folder = to.folder / name
    folder.mkdir()
    _give(folder, to.user)
    return folder


def _keyring(folder: Path, offices: list[Office], signer: Signer) -> Path:
    folder.mkdir(parents=True, mode=0o700)
    certificates = "\n".join([*(office.certificate for office in offices), signer.secret_key])
    subprocess.run(
        ["gpg", "--homedir", folder, "--batch", "--quiet", "--import"],
        input=certificates.encode(), stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return folder


@contextmanager
def _server(folder: Path) -> Iterator[Server]:
    """OpenSSH's sshd on a free port, as a user without rights who may only use SFTP."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        sys.exit("sshd is not here: apt-get install openssh-server")
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder.chmod(0o755)
    own, home = folder / "sshd", folder / "lists"
    own.mkdir()
    home.mkdir()
    for name in ("host", "login"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", own / name], check=True)
    port = free_port()
    (own / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {own / 'host'}\nPidFile none\nStrictModes no\nUsePAM yes\n"
        f"AuthorizedKeysFile {own / 'login.pub'}\nPasswordAuthentication no\nMaxStartups 100\n"
        "Subsystem sftp internal-sftp\nForceCommand internal-sftp\n"
    )
    login, known = folder / "login", folder / "known_hosts"
    shutil.copy(own / "login", login)
    known.write_text(f"[127.0.0.1]:{port} {(own / 'host.pub').read_text()}")
    for path in (own, home, *own.iterdir()):
        _give(path, user)
    with (folder / "sshd.log").open("wb") as log:
        started = subprocess.Popen(
            [sshd, "-D", "-e", "-f", own / "config"], stderr=log, user=user if os.geteuid() == 0 else None
        )
    try:
        deadline = time.monotonic() + 10
        while "listening" not in (folder / "sshd.log").read_text():
            if started.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"sshd did not start: {(folder / 'sshd.log').read_text()}")
            time.sleep(0.05)
        yield Server(port, user, home, login, known)
    finally:
        started.terminate()
        started.wait(10)


def _give(path: Path, user: str) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0]


if __name__ == "__main__":
    main()
