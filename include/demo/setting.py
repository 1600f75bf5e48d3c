"""What the demo needs before it starts: keys, passwords, its copy of the arrangements, and Airflow's connections.

It is kept in the demo's folder, so that an office in another terminal finds its servers and its own keys (`load`).
"""

import datetime as dt
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from include.arrangements.framework import PARTIES, AddressedParty
from include.arrangements.reading import load_frameworks, load_offices
from include.delivery.openpgp import make_key
from include.delivery.passwords import make_password as make_list_password
from include.demo.border import AUTHSERV_ID
from include.demo.keys import make_age_identity, make_host_key, make_password, make_tls_certificate
from include.demo.ports import free_port
from include.settings import ROOT, private_folder, write_private

SENDER = "avr-notifications@iom.example"


@dataclass(frozen=True)
class OfficeSecrets:
    """What an office alone has: what opens its lists, and its logins at the SFTP and the mail server."""

    secret_key: str
    password: str
    age_identity: str
    sftp_password: str
    mail_password: str


@dataclass(frozen=True)
class Setting:
    """Where everything of a demo is.

    sftp_port, sftp_host_key, mail_port, authority: the servers that offices speak to, and how they know them
    signing_certificate: what every office was given to check signatures with, and to seal to
    age_recipient: what offices that use age were given to seal to
    """

    folder: Path
    sources: Path
    offices: Path
    mail: Path
    opened: Path
    truth: Path
    review: Path
    arrangements: Path
    servers: Path
    ledger: str
    environment: dict[str, str]
    secrets: dict[str, OfficeSecrets]
    signing_certificate: str
    age_recipient: str
    sftp_port: int
    sftp_host_key: str
    mail_port: int
    authority: Path

    def seen_by(self, office: str) -> "Setting":
        """What this office knows: no key or password of another, nor any of IOM's."""
        return replace(self, secrets={office: self.secrets[office]}, environment={}, ledger="")


def save(setting: Setting) -> Path:
    """Keep the setting in its folder, open to its owner alone."""
    return write_private(setting.folder / _KEPT, _SETTING.dump_json(setting, indent=2))


def load(folder: Path) -> Setting:
    """The setting of the demo in this folder. raises: FileNotFoundError if no demo was started in it"""
    return _SETTING.validate_json((folder / _KEPT).read_bytes())


_SETTING, _KEPT = TypeAdapter(Setting), "setting.json"


def build(folder: Path, days: Sequence[dt.date], of: Path = ROOT / "include" / "arrangements") -> Setting:
    """Make keys and folders in `folder`, and keep the setting there; nothing is started.

    of: the arrangements that are copied, each with the keys that are made for it
    """
    arrangements = folder / "arrangements"
    shutil.copytree(of, arrangements, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    sftp_port, mail_port, imap_port = free_port(), free_port(), free_port()
    host_key, public_host_key = make_host_key()
    certificate, certificate_key, authority = make_tls_certificate()
    paths = {
        name: write_private(folder / "keys" / f"{name}.pem", content.encode())
        for name, content in (("certificate", certificate), ("key", certificate_key), ("authority", authority))
    }
    users = {"sources": {"password": make_password(), "folder": str(private_folder(folder / "sources"))}}
    mail_users = {"avr": make_password()}
    reader = {"user": "avr", "password": make_password()}
    sftp = {"host_key": public_host_key, "no_host_key_check": "false"}
    signing_certificate, signing_key, _ = make_key("IOM, notification lists (demo)")
    iom_identity, iom_recipient = make_age_identity()
    connections: dict[str, dict[str, Any]] = {
        "sftp_sources": _sftp(sftp_port, "sources", users["sources"]["password"], sftp),
        "smtp_avr": {
            "conn_type": "smtp",
            "host": "localhost",
            "port": mail_port,
            "login": "avr",
            "password": mail_users["avr"],
            "extra": {
                "from_email": SENDER,
                "disable_ssl": True,
                "disable_tls": False,
                "retry_limit": 1,
                "bounces": "imap_avr",
            },
        },
        "imap_avr": {
            "conn_type": "imap",
            "host": "localhost",
            "port": imap_port,
            "login": reader["user"],
            "password": reader["password"],
            "extra": {"authserv_id": AUTHSERV_ID},
        },
        "sign_lists": {"conn_type": "generic", "extra": {"secret_key": signing_key, "age_identity": iom_identity}},
    }
    secrets, writes_as = {}, {}
    for office, versions in load_offices(arrangements)[0].items():
        public, secret, fingerprint = make_key(f"{office} (demo)")
        identity, recipient = make_age_identity()
        secrets[office] = OfficeSecrets(secret, make_list_password(), identity, make_password(), make_password())
        mail_users[office] = secrets[office].mail_password
        writes_as[office] = sorted(versions[-1].senders)
        connections[f"seal_{office.lower().replace('-', '_')}"] = _seal(secrets[office], public, recipient)
        path = arrangements / "offices" / f"{office}.yaml"
        recorded = re.sub(r"(fingerprint:) .*", rf"\1 {fingerprint}", path.read_text())
        path.write_text(re.sub(r"(recipient:) .*", rf"\1 {recipient}", recorded))
        for channel in versions[-1].deliver:
            if channel.via == "sftp":
                home = private_folder(folder / "offices" / office)
                for place in filter(None, [channel.folder, versions[-1].answers.folder]):
                    private_folder(home / place.strip("/"))
                users[office] = {"password": secrets[office].sftp_password, "folder": str(home)}
                connections[channel.connection] = _sftp(sftp_port, office, users[office]["password"], sftp)
    for host, agreements in load_frameworks(arrangements)[0].items():
        path = arrangements / "frameworks" / "afg" / f"{host}.yaml"
        for party in PARTIES:
            to = AddressedParty(agreements[-1], party)
            public, secret, fingerprint = make_key(f"{to.code} (demo)")
            identity, recipient = make_age_identity()
            secrets[to.code] = OfficeSecrets(secret, make_list_password(), identity, make_password(), make_password())
            connections[f"seal_{to.code.lower().replace('-', '_')}"] = _seal(secrets[to.code], public, recipient)
            for channel in to.deliver:
                if channel.via != "sftp":
                    continue
                recorded = path.read_text()
                if channel.fingerprint:
                    recorded = re.sub(r"\s*".join(channel.fingerprint), fingerprint, recorded)
                path.write_text(recorded.replace(channel.recipient, recipient) if channel.recipient else recorded)
                home = private_folder(folder / "offices" / to.code)
                private_folder(home / channel.folder.strip("/"))
                users[to.code] = {"password": secrets[to.code].sftp_password, "folder": str(home)}
                connections[channel.connection] = _sftp(sftp_port, to.code, users[to.code]["password"], sftp)
    servers = {
        "sftp": {"port": sftp_port, "host_key": host_key, "users": users},
        "mail": {
            "port": mail_port,
            "paths": {
                "folder": str(folder / "mail"),
                "certificate": str(paths["certificate"]),
                "key": str(paths["key"]),
            },
            "users": mail_users,
        },
        "imap": {"port": imap_port, "user": reader},
        "border": {"address": SENDER, "writes_as": writes_as},
    }
    ledger = f"sqlite:///{private_folder(folder / 'data') / 'ledger.db'}"
    setting = Setting(
        folder=folder,
        sources=folder / "sources",
        offices=private_folder(folder / "offices"),
        mail=private_folder(folder / "mail"),
        opened=private_folder(folder / "opened"),
        truth=private_folder(folder / "truth"),
        review=private_folder(folder / "review"),
        arrangements=arrangements,
        servers=write_private(folder / "keys" / "servers.json", json.dumps(servers).encode()),
        ledger=ledger,
        environment={
            "AVR_DATA": str(folder / "data"),
            "AVR_LEDGER": ledger,
            "AVR_ARRANGEMENTS": str(arrangements),
            "AVR_FROM": days[0].isoformat(),
            "AVR_UNTIL": days[-1].isoformat(),
            "AVR_LOOK_EVERY": "5",
            # Python's TLS takes this authority for trusted: the certificate is checked as any other.
            "SSL_CERT_FILE": str(paths["authority"]),
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in connections.items()},
        },
        secrets=secrets,
        signing_certificate=signing_certificate,
        age_recipient=iom_recipient,
        sftp_port=sftp_port,
        sftp_host_key=public_host_key,
        mail_port=mail_port,
        authority=paths["authority"],
    )
    save(setting)
    return setting


def _seal(secrets: OfficeSecrets, public_key: str, age_recipient: str) -> dict[str, Any]:
    return {
        "conn_type": "generic",
        "password": secrets.password,
        "extra": {
            "public_key": public_key,
            "password_since": dt.datetime.now(dt.UTC).date().isoformat(),
            "age_recipient": age_recipient,
        },
    }


def _sftp(port: int, user: str, password: str, extra: dict[str, str]) -> dict[str, Any]:
    return {"conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": user, "password": password, "extra": extra}
