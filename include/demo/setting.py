"""What the demo needs before it starts: keys, passwords, its copy of the arrangements, and Airflow's connections."""

import datetime as dt
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.arrangements.reading import load_offices
from include.delivery.openpgp import make_key
from include.delivery.passwords import make_password as make_list_password
from include.demo.keys import make_age_identity, make_host_key, make_password, make_tls_certificate
from include.demo.ports import free_port
from include.settings import ROOT, private_folder, write_private

SENDER = "avr-notifications@iom.example"


@dataclass(frozen=True)
class OfficeSecrets:
    """What an office alone has: its OpenPGP secret key, the password of its lists, and its age identity."""

    secret_key: str
    password: str
    age_identity: str


@dataclass(frozen=True)
class Setting:
    """Where everything of a demo is."""

    folder: Path
    sources: Path
    offices: Path
    mail: Path
    opened: Path
    truth: Path
    arrangements: Path
    servers: Path
    ledger: str
    environment: dict[str, str]
    secrets: dict[str, OfficeSecrets]
    signing_certificate: str
    """What every office was given to check signatures with."""


def build(folder: Path, days: list[dt.date]) -> Setting:
    """Make keys and folders in `folder`; nothing is started."""
    arrangements = folder / "arrangements"
    shutil.copytree(
        ROOT / "include" / "arrangements", arrangements, ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    sftp_port, mail_port = free_port(), free_port()
    host_key, public_host_key = make_host_key()
    certificate, certificate_key, authority = make_tls_certificate()
    paths = {
        name: write_private(folder / "keys" / f"{name}.pem", content.encode())
        for name, content in (("certificate", certificate), ("key", certificate_key), ("authority", authority))
    }
    users = {"sources": {"password": make_password(), "folder": str(private_folder(folder / "sources"))}}
    mail_users = {"avr": make_password()}
    sftp = {"host_key": public_host_key, "no_host_key_check": "false"}
    signing_certificate, signing_key, _ = make_key("IOM, notification lists (demo)")
    connections: dict[str, dict[str, Any]] = {
        "sftp_sources": _sftp(sftp_port, "sources", users["sources"]["password"], sftp),
        "smtp_avr": {
            "conn_type": "smtp",
            "host": "localhost",
            "port": mail_port,
            "login": "avr",
            "password": mail_users["avr"],
            "extra": {"from_email": SENDER, "disable_ssl": True, "disable_tls": False, "retry_limit": 1},
        },
        "sign_lists": {"conn_type": "generic", "extra": {"secret_key": signing_key}},
    }
    secrets = {}
    for office, versions in load_offices(arrangements)[0].items():
        public, secret, fingerprint = make_key(f"{office} (demo)")
        identity, recipient = make_age_identity()
        secrets[office] = OfficeSecrets(secret, make_list_password(), identity)
        connections[f"seal_{office.lower().replace('-', '_')}"] = {
            "conn_type": "generic",
            "password": secrets[office].password,
            "extra": {
                "public_key": public,
                "password_since": dt.datetime.now(dt.UTC).date().isoformat(),
                "age_recipient": recipient,
            },
        }
        path = arrangements / "offices" / f"{office}.yaml"
        recorded = re.sub(r"(fingerprint:) .*", rf"\1 {fingerprint}", path.read_text())
        path.write_text(re.sub(r"(recipient:) .*", rf"\1 {recipient}", recorded))
        for channel in versions[-1].deliver:
            if channel.via == "sftp":
                home = private_folder(folder / "offices" / office)
                for place in filter(None, [channel.folder, versions[-1].answers.folder]):
                    private_folder(home / place.strip("/"))
                users[office] = {"password": make_password(), "folder": str(home)}
                connections[channel.connection] = _sftp(sftp_port, office, users[office]["password"], sftp)
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
    }
    ledger = f"sqlite:///{private_folder(folder / 'data') / 'ledger.db'}"
    return Setting(
        folder=folder,
        sources=folder / "sources",
        offices=private_folder(folder / "offices"),
        mail=private_folder(folder / "mail"),
        opened=private_folder(folder / "opened"),
        truth=private_folder(folder / "truth"),
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
    )


def _sftp(port: int, user: str, password: str, extra: dict[str, str]) -> dict[str, Any]:
    return {"conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": user, "password": password, "extra": extra}
