"""OpenSSH's own sshd on a free port, which gives files to whoever has a key, and nothing else."""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.demo.ports import free_port
from include.settings import private_folder, write_private

USER = getpass.getuser()
"""Whom it lets in: an sshd that is not root's has only its own user, and to root's as well anybody else is unknown."""


@contextmanager
def sshd(folder: Path, host_key: str, keys: Iterable[str]) -> Iterator[int]:
    """A running server; gives its port. keys: the public keys that are let in"""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("sshd is not here: apt-get install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's service makes it
    port, log = free_port(), private_folder(folder) / "sshd.log"
    only_files = 'restrict,command="internal-sftp"'
    write_private(folder / "host", host_key.encode())
    write_private(folder / "known", "".join(f"{only_files} {key}\n" for key in keys).encode())
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'known'}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "MaxStartups 100\nSubsystem sftp internal-sftp\n"
    )
    with log.open("wb") as said:
        server = subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stderr=said)
    try:
        deadline = time.monotonic() + 30
        while "listening" not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(10)
