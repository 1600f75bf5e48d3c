"""Twelve offices and what each has arranged: other days, holidays, consent, formats and ways, as in the world."""

import datetime as dt
from typing import Any

import pyrage

from include.arrangements.models import Arrangement
from include.delivery.keys import SealingKey
from tests.signing import SIGNING

IDENTITY = pyrage.x25519.Identity.generate()
BEGIN = dt.date(2026, 11, 2)
HOSTS = {
    "GRC": ("ATH", "THE"),
    "DEU": ("BER",),
    "AUT": ("VIE",),
    "TUR": ("ANK", "IST"),
    "NER": ("NIA", "AGZ"),
    "PAK": ("ISB",),
    "GEO": ("TBS",),
    "MAR": ("RBA",),
    "EGY": ("CAI",),
}
"""Host countries and their IOM offices. DEU and AUT have one UNHCR office; GRC has three, TUR and NER two."""


def arranged(
    office: str,
    hosts: list[str],
    timezone: str,
    days: list[str],
    *,
    iom_offices: tuple[str, ...] = (),
    consent: str = "recorded",
    via: str = "sftp",
    **settings: Any,
) -> Arrangement:
    sftp = {"via": "sftp", "connection": "sftp_year", "folder": f"/{office}", "seal": "none"}
    email = {
        "via": "email",
        "connection": "smtp_year",
        "to": [f"{office.lower()}@unhcr.example"],
        "seal": "age",
        "recipient": str(IDENTITY.to_public()),
    }
    return Arrangement.model_validate(
        {
            "office": office,
            "name": f"UNHCR {office}",
            "host_countries": hosts,
            "iom_offices": iom_offices,
            "timezone": timezone,
            "language": "en",
            "list": {"days": days, "at": "09:00", "holidays": hosts[0], "format": "csv"} | settings,
            "consent": consent,
            "deliver": {"sftp": [sftp], "email": [email], "both": [sftp, email]}[via],
            "answers": {"mailbox": "imap_year", "escalate": ["focal.point@iom.example"]},
            "effective_from": BEGIN,
        }
    )


OFFICES = [
    arranged("GRC-ATH", ["GRC"], "Europe/Athens", ["mon", "thu"], iom_offices=("ATH",), format="xlsx"),
    arranged("GRC-THE", ["GRC"], "Europe/Athens", ["tue"], iom_offices=("THE",), undated=True),
    # Hears of all of the country beside the other two, and only of whom has agreed.
    arranged("GRC-LAW", ["GRC"], "Europe/Athens", ["fri"], consent="required", when_empty="send"),
    arranged("DEU-BER", ["DEU", "AUT"], "Europe/Berlin", ["mon", "wed", "fri"], via="email"),
    arranged("TUR-ANK", ["TUR"], "Europe/Istanbul", ["mon", "tue", "wed", "thu", "fri"], iom_offices=("ANK",)),
    arranged("TUR-IST", ["TUR"], "Europe/Istanbul", ["wed"], iom_offices=("IST",), consent="required", undated=True),
    arranged("NER-NIA", ["NER"], "Africa/Niamey", ["tue", "fri"], iom_offices=("NIA",), no_show_grace="5 working days"),
    arranged("NER-AGZ", ["NER"], "Africa/Niamey", ["thu"], iom_offices=("AGZ",), via="both", urgent_within="1 working day"),
    arranged("PAK-ISB", ["PAK"], "Asia/Karachi", ["mon"], consent="required", via="email", urgent_within="10 working days"),
    arranged("GEO-TBS", ["GEO"], "Asia/Tbilisi", ["mon", "thu"], when_empty="send", no_show_grace="0 working days"),
    arranged("MAR-RBA", ["MAR"], "Africa/Casablanca", ["wed"], closures=["2026-12-21..2027-01-03"]),
    arranged("EGY-CAI", ["EGY"], "Africa/Cairo", ["sun", "wed"], undated=True),
]  # fmt: skip


def keys_of(arrangement: Arrangement, signing: bool = True) -> dict[str, SealingKey]:
    """What seals and signs for the office; without the signing key nothing can be made."""
    given = {"signing": SIGNING} if signing else {}
    return {
        channel.key: SealingKey(age_recipient=str(IDENTITY.to_public()), **given) for channel in arrangement.deliver
    }
