"""Delivery to a real SFTP server, with its faults caused for real."""

import json
from pathlib import Path

import asyncssh
import pytest

from include import connections
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused
from include.delivery.sftp import deliver
from tests.servers import PASSWORD, USER, client, sftp

FILES = [("list.txt", b"what it is"), ("list.csv.pgp", b"sealed" * 40_000)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "lists").mkdir(parents=True)
    return tmp_path / "root"


def there(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "lists").iterdir()}


def test_a_list_arrives_whole_and_its_proof_says_how_that_is_known(root):
    with sftp(root) as (port, _), client(port) as opened:
        outcome = deliver(opened, "/lists", FILES)
    assert there(root) == dict(FILES)
    assert outcome.proof["size"] == 240_000
    assert outcome.proof["verified"] == "read back before the rename"


def test_the_same_list_twice_is_there_once(root):
    with sftp(root) as (port, _), client(port) as opened:
        deliver(opened, "/lists", FILES)
        outcome = deliver(opened, "/lists", FILES)
    assert there(root) == dict(FILES)
    assert outcome.proof["verified"] == "was there with the same bytes"


def test_another_file_of_the_name_is_never_touched(root):
    (root / "lists" / "list.txt").write_bytes(b"somebody else's")
    with sftp(root) as (port, _), client(port) as opened, pytest.raises(DeliveryRefused, match="not touched"):
        deliver(opened, "/lists", FILES)
    assert there(root) == {"list.txt": b"somebody else's"}


def test_what_a_crash_left_is_written_over(root):
    (root / "lists" / ".list.csv.pgp.part").write_bytes(b"half" * 100_000)
    with sftp(root) as (port, _), client(port) as opened:
        deliver(opened, "/lists", FILES)
    assert there(root) == dict(FILES)


def test_a_folder_that_is_not_there_is_said(root):
    with sftp(root) as (port, _), client(port) as opened, pytest.raises(DeliveryRefused, match="/nowhere is not there"):
        deliver(opened, "/nowhere", FILES)


def test_a_line_cut_in_mid_file_leaves_nothing_visible_and_a_repeat_completes_it(root):
    class Cuts(asyncssh.SFTPServer):
        def __init__(self, channel, chroot):
            super().__init__(channel, chroot=chroot)
            self.written = 0

        def write(self, file_obj, offset, data):
            self.written += len(data)
            if self.written > 100_000:
                self.connection.abort()
            return super().write(file_obj, offset, data)

    with sftp(root, Cuts) as (port, _), client(port) as opened, pytest.raises(DeliveryFailed, match="cut off"):
        deliver(opened, "/lists", FILES)
    assert "list.csv.pgp" not in there(root)
    with sftp(root) as (port, _), client(port) as opened:
        deliver(opened, "/lists", FILES)
    assert there(root) == dict(FILES)


def test_a_full_disk_is_a_failure_and_leaves_no_half_list(root):
    class Full(asyncssh.SFTPServer):
        def write(self, file_obj, offset, data):
            if offset > 50_000:
                raise asyncssh.SFTPFailure("No space left on device")
            return super().write(file_obj, offset, data)

    with sftp(root, Full) as (port, _), client(port) as opened, pytest.raises(DeliveryFailed):
        deliver(opened, "/lists", FILES)
    assert "list.csv.pgp" not in there(root)


def test_a_server_that_takes_files_away_at_once_is_understood(root):
    class Takes(asyncssh.SFTPServer):
        def rename(self, oldpath, newpath):
            super().rename(oldpath, newpath)
            Path(self.map_path(newpath).decode()).unlink()

    with sftp(root, Takes) as (port, _), client(port) as opened:
        outcome = deliver(opened, "/lists", FILES)
    assert outcome.proof["verified"] == "taken away at once"
    assert there(root) == {}


def connection(monkeypatch, port, **extra):
    given = {"conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": USER, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_TEST", json.dumps(given | extra))


def test_airflows_connection_opens_when_the_host_key_is_the_right_one(root, monkeypatch):
    with sftp(root) as (port, host_key):
        connection(monkeypatch, port, extra={"host_key": host_key, "no_host_key_check": "false"})
        with connections.open_sftp("sftp_test") as opened:
            deliver(opened, "/lists", FILES)
    assert there(root) == dict(FILES)


@pytest.mark.fault(
    "the folder's server shows another host key",
    happens="nothing is sent",
    there="nothing",
    you="*send* is red and names the list; ask the office whether its key changed",
)
def test_a_wrong_host_key_stops_the_send(root, monkeypatch):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()
    with sftp(root) as (port, _):
        connection(monkeypatch, port, extra={"host_key": " ".join(other[:2]), "no_host_key_check": "false"})
        with pytest.raises(DeliveryRefused, match="another host key"), connections.open_sftp("sftp_test"):
            pass


@pytest.mark.parametrize("extra", [{}, {"no_host_key_check": "false"}, {"no_host_key_check": "true"}])
def test_a_connection_that_would_not_check_the_host_key_is_not_used(root, monkeypatch, extra):
    with sftp(root) as (port, _):
        connection(monkeypatch, port, extra=extra)
        with pytest.raises(DeliveryRefused, match="no_host_key_check"), connections.open_sftp("sftp_test"):
            pass


def test_a_wrong_password_and_a_server_that_is_away_are_told_apart(root, monkeypatch):
    with sftp(root) as (port, host_key):
        checked = {"host_key": host_key, "no_host_key_check": "false"}
        connection(monkeypatch, port, password="wrong", extra=checked)
        with pytest.raises(DeliveryRefused, match="login"), connections.open_sftp("sftp_test"):
            pass
    connection(monkeypatch, port, extra=checked | {"conn_retry_attempts": 1})
    with pytest.raises(DeliveryFailed, match="cannot be reached"), connections.open_sftp("sftp_test"):
        pass
