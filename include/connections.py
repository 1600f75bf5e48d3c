"""Airflow's connections, as the rooms need them: opened, checked, and closed again.

Reach for this when a task needs the other side. The one place that knows Airflow's hooks; hosts, keys and passwords
come from Airflow connections or its secrets backend, never from files of the repository.
"""

import datetime as dt
import hmac
import imaplib
import json
import smtplib
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from smtplib import SMTP
from typing import Any
from zoneinfo import ZoneInfo

import paramiko
from airflow.providers.sftp.hooks.sftp import SFTPHook
from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.providers.ssh.hooks.ssh import SSHHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from include.arrangements.models import Addressee, Arrangement, Channel
from include.arrangements.reading import load_offices
from include.delivery.keys import SealingKey, SealRefused, SigningKey
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused
from include.delivery.recipients import admit
from include.delivery.send import send_over, send_owed
from include.ledger import papers
from include.ledger.engine import reading
from include.lists.compose import sealed_files
from include.metrics import counted_sending
from include.responses.opening import OpeningKeys
from include.settings import arrangements_folder, hashing_key

PATIENCE = 30
"""Seconds that a server may be silent. A connection's extra says another: `conn_timeout` of SFTP, `timeout` of mail."""


@contextmanager
def open_sftp(connection_id: str) -> Iterator[paramiko.SFTPClient]:
    """An SFTP client whose host key was checked against the connection's `host_key`.

    raises: DeliveryRefused if the connection names no host key, or host key or login are not accepted;
        DeliveryFailed if the server cannot be reached
    """
    try:
        hook = SFTPHook(ssh_conn_id=connection_id, conn_retry_attempts=1)
    except AirflowNotFoundException:
        raise DeliveryRefused(f"connection {connection_id} is missing; nothing was sent") from None
    except (AirflowException, ValueError):  # their texts may quote the connection
        raise DeliveryRefused(f"connection {connection_id} is not in order; nothing was sent") from None
    # Airflow's hook checks no host key unless it is told to; a list must never go to whoever answers.
    if hook.no_host_key_check or hook.host_key is None:
        raise DeliveryRefused(
            f"connection {connection_id} must say `no_host_key_check: false` and give the server's `host_key`; "
            "nothing was sent"
        )
    patience = hook.conn_timeout = hook.auth_timeout = hook.banner_timeout = hook.conn_timeout or PATIENCE
    with _logged_in(hook, connection_id) as ssh:
        # An entry in the user's known_hosts goes before the connection's host key in Airflow's hook.
        transport = ssh.get_transport()
        if transport is None or transport.get_remote_server_key() != hook.host_key:
            raise DeliveryRefused(f"the server of {connection_id} shows another host key; nothing was sent")
        # Paramiko waits without end for a server that takes the login and then falls silent.
        silence = threading.Timer(patience, transport.close)
        silence.start()
        try:
            client = ssh.open_sftp()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise DeliveryFailed(f"the server of {connection_id} gives no files ({type(error).__name__})") from None
        finally:
            silence.cancel()
        channel = client.get_channel()
        if channel is not None:
            channel.settimeout(patience)
        yield client


def _logged_in(hook: SFTPHook, connection_id: str) -> paramiko.SSHClient:
    try:
        return SSHHook.get_conn(hook)
    except paramiko.BadHostKeyException:
        raise DeliveryRefused(f"the server of {connection_id} shows another host key; nothing was sent") from None
    except paramiko.AuthenticationException as error:
        # Paramiko has one error for a login that is wrong and for a line that ends before the answer.
        if "EOF" in str(error) or "timeout" in str(error):
            raise DeliveryFailed(f"the server of {connection_id} went away during the login") from None
        raise DeliveryRefused(f"the server of {connection_id} does not accept our login; nothing was sent") from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise DeliveryFailed(f"the server of {connection_id} cannot be reached ({type(error).__name__})") from None


@contextmanager
def open_smtp(connection_id: str) -> Iterator[tuple[SMTP, str]]:
    """An SMTP session under TLS and logged in, and the sender's address of the connection.

    raises: DeliveryRefused if login or certificate are not accepted; DeliveryFailed if the server cannot be reached
    """
    hook = SmtpHook(smtp_conn_id=connection_id)
    try:
        hook.get_conn()
    except smtplib.SMTPAuthenticationError as error:
        if 400 <= error.smtp_code < 500:
            raise DeliveryFailed(f"the server of {connection_id} takes no login now ({error.smtp_code})") from None
        raise DeliveryRefused(f"the server of {connection_id} does not accept our login; nothing was sent") from None
    except ssl.SSLCertVerificationError:
        raise DeliveryRefused(f"the certificate of {connection_id}'s server is not trusted; nothing was sent") from None
    except (AirflowException, smtplib.SMTPException, OSError) as error:
        if hook.smtp_connection is None:
            raise DeliveryRefused(f"connection {connection_id} is missing; nothing was sent") from None
        raise DeliveryFailed(f"the server of {connection_id} cannot be reached ({type(error).__name__})") from None
    if not hook.from_email:
        raise DeliveryRefused(f"connection {connection_id} names no `from_email`; nothing was sent")
    with hook:
        # The hook's own sending repeats itself on any error, which would send a list twice; we need its session only.
        yield hook._smtp_client, hook.from_email


@contextmanager
def open_imap(connection_id: str) -> Iterator[imaplib.IMAP4]:
    """An IMAP session under TLS and logged in.

    Not by Airflow's hook, which waits without end for a silent server and takes `use_ssl: false`.
    raises: ConnectionError if it cannot be had
    """
    connection = BaseHook.get_connection(connection_id)
    try:
        imap = imaplib.IMAP4_SSL(
            connection.host or "",
            connection.port or 993,
            ssl_context=ssl.create_default_context(),
            timeout=int(connection.extra_dejson.get("timeout", PATIENCE)),
        )
        imap.login(connection.login or "", connection.password or "")
    except (imaplib.IMAP4.error, OSError) as error:
        raise ConnectionError(f"the mailbox of {connection_id} cannot be opened ({type(error).__name__})") from None
    with imap:
        yield imap


def authserv_id(connection_id: str) -> str:
    """The name under which the mail server of this mailbox says what it found of a sender: `authserv_id` of its extra.

    Empty where the connection does not say it: then no sender is believed.
    """
    return str(BaseHook.get_connection(connection_id).extra_dejson.get("authserv_id", ""))


def bounce_mailboxes(channels: Iterable[Channel]) -> list[str]:
    """The IMAP connections to which undeliverable mail comes back: `bounces` in the extra of the channels' SMTP."""
    senders = {channel.connection for channel in channels if channel.via == "email"}
    named = {BaseHook.get_connection(sender).extra_dejson.get("bounces") for sender in senders}
    return sorted(filter(None, named))


def send_lists(office: str) -> list[str]:
    """Send what the office is owed, over the channels of all its arrangements; returns what arrived.

    raises: NotDelivered if a channel still owes a list
    """
    versions = load_offices(arrangements_folder())[0][office]
    with counted_sending(office):
        return _send(versions, ZoneInfo(versions[-1].timezone))


def send_papers(series: str) -> list[str]:
    """Send the papers that are owed of a series, over the channels of all its addressee's arrangements.

    returns: what arrived
    raises: NotDelivered if a channel still owes a paper
    """
    with reading() as session:
        addressee = papers.addressee_of(session, series)
    return _send(addressees()[addressee], dt.UTC, series) if addressee else []


def addressees() -> Mapping[str, Sequence[Addressee]]:
    """Whoever is sent something, by code: the versions of its arrangement, oldest first."""
    return load_offices(arrangements_folder())[0]


def _send(versions: Sequence[Addressee], zone: dt.tzinfo, series: str | None = None) -> list[str]:
    # What is owed to a channel of an earlier version still goes there.
    channels = {channel.key: (version, channel) for version in versions for channel in version.deliver}
    return send_owed(
        versions[-1].code,
        [channel for _, channel in channels.values()],
        series=series,
        open_sftp=open_sftp,
        open_smtp=open_smtp,
        admitted=lambda channel: admitted(channels[channel.key][0], channel),
        clock=lambda: dt.datetime.now(zone),
    )


def admitted(to: Addressee, channel: Channel) -> str | None:
    """None where lists and papers may go over the channel; else why not, after its test message was sent."""
    now = dt.datetime.now(dt.UTC)
    try:
        key = sealing_keys(to)[channel.key]
        return admit(
            to,
            channel,
            _address(channel, key),
            seal=lambda file: [(one.name, one.content) for one in sealed_files([file], channel, key, now)],
            send=lambda subject, body, files: send_over(
                channel,
                files,
                subject=subject,
                body=body,
                number=f"{to.code}_test_{now:%Y%m%d-%H%M%S}",
                date=now,
                open_sftp=open_sftp,
                open_smtp=open_smtp,
            ),
            now=now,
        )
    except (DeliveryRefused, SealRefused) as refused:
        return str(refused)


def _address(channel: Channel, key: SealingKey) -> str:
    """A keyed hash of where the channel leads and of what opens its files: another one is another address."""
    leads_to: list[Any]
    if channel.via == "sftp":
        try:
            connection = BaseHook.get_connection(channel.connection)
        except AirflowNotFoundException:
            raise DeliveryRefused(f"connection {channel.connection} is missing; nothing was sent") from None
        host_key = connection.extra_dejson.get("host_key")
        leads_to = [connection.host, connection.port, connection.login, host_key, channel.folder]
    else:
        leads_to = sorted(address.lower() for address in channel.to)
    opens = key.password if channel.seal == "password" else channel.recipient or channel.fingerprint
    said = json.dumps([channel.via, leads_to, channel.seal, opens])
    return hmac.digest(hashing_key(), said.encode(), "sha256").hex()


def sealing_keys(to: Addressee) -> dict[str, SealingKey]:
    """What seals and signs for each channel of an office or another party, by channel key.

    From connection `seal_{code}`: its password is the office's list password, and its extra has `password_since`, the
    office's OpenPGP certificate `public_key`, and its `age_recipient`. What signs is `signing_key`'s.
    raises: DeliveryRefused if a connection is not there that a seal or the signature needs
    """
    signing = signing_key()
    if all(channel.seal == "none" for channel in to.deliver):
        return {channel.key: SealingKey(signing=signing) for channel in to.deliver}
    connection = _connection(_seal_connection(to), f"{to.code}'s key")
    extra = connection.extra_dejson
    key = SealingKey(
        public_key=extra.get("public_key"),
        password=connection.password,
        password_since=extra.get("password_since"),
        age_recipient=extra.get("age_recipient"),
        signing=signing,
    )
    return {channel.key: key for channel in to.deliver}


def opening_keys(arrangement: Arrangement) -> OpeningKeys:
    """What opens the answers of the office: what of IOM's keys and of its list passwords there is.

    IOM's: extra `secret_key` and `age_identity` of connection `sign_lists`; the office's: the password of connection
    `seal_{office}`, and in its extra `passwords_before`, those of lists that may still be answered.
    """
    try:
        iom = BaseHook.get_connection("sign_lists")
        signing, age_identity = signing_key(), iom.extra_dejson.get("age_identity")
    except (AirflowNotFoundException, DeliveryRefused):
        signing, age_identity = SigningKey(None, None), None
    try:
        office = BaseHook.get_connection(_seal_connection(arrangement))
        passwords = [office.password, *office.extra_dejson.get("passwords_before", [])]
    except AirflowNotFoundException:
        passwords = []
    return OpeningKeys(signing.secret_key, signing.passphrase, age_identity, tuple(filter(None, passwords)))


def _seal_connection(to: Addressee) -> str:
    return f"seal_{to.code.lower().replace('-', '_')}"


def signing_key() -> SigningKey:
    """IOM's key that signs every list: extra `secret_key` of connection `sign_lists`, whose password opens it.

    raises: DeliveryRefused if the connection is not there
    """
    connection = _connection("sign_lists", "the key that signs every list")
    return SigningKey(connection.extra_dejson.get("secret_key"), connection.password)


def _connection(connection_id: str, what_for: str) -> Connection:
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        raise DeliveryRefused(
            f"connection {connection_id} with {what_for} is missing; no list is made before it is there"
        ) from None
