"""Every seal opened with what its office would open it with: GnuPG, age, 7-Zip; and every key that must stop a list."""

import datetime as dt
import hashlib
import re
import shutil
import subprocess
import tempfile
import time

import pyrage
import pytest
from pydantic import TypeAdapter
from pysequoia import Cert, Profile, Tsk, encrypt

from include.arrangements.models import Channel
from include.delivery.keys import SealingKey, SealRefused, SigningKey
from include.delivery.openpgp import make_key
from include.delivery.sealing import seal, seal_ends_on, signing_ends_on
from include.delivery.unsealing import CannotOpen, unseal
from include.lists.document import RenderedFile, render
from include.lists.opening import open_list
from tests.lists.sample import sample
from tests.signing import CERTIFICATE, SIGNING

PASSWORD = "correct-horse-battery"
NOW = dt.datetime.now(dt.UTC)
TODAY = NOW.date().isoformat()
IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
OFFICE = make_key("GRC-ATH <protection.athens@unhcr.example>")
KEY = SealingKey(OFFICE[0], PASSWORD, TODAY, RECIPIENT, SIGNING)
RECORDED = {
    "none": {},
    "pgp": {"fingerprint": OFFICE[2]},
    "password": {"password_by": "telephone, the protection unit"},
    "age": {"recipient": RECIPIENT},
}
CSV = RenderedFile("GRC-ATH_2026-0007_scheduled.csv", b"list_number,entry\r\n", personal=True)


def channel(how, **more):
    given = {"via": "sftp", "connection": "a", "folder": "/lists", "seal": how} | RECORDED[how] | more
    return TypeAdapter(Channel).validate_python(given)


def sealed(file, how, key=KEY, now=NOW, **more):
    """What leaves for `file`, by name, in its order."""
    return {leaving.name: leaving.content for leaving in seal(file, channel(how, **more), key, now)}


def opened(files, certificate=CERTIFICATE, **keys):
    name = list(files)[-1]
    return unseal(files[name], name, certificate=certificate, signature=files.get(f"{name}.asc"), **keys)


@pytest.fixture(scope="module")
def file():
    return render(sample(), "xlsx")[0]


class GnuPG:
    """GnuPG with a home of its own."""

    def __init__(self):
        # The agent's socket must not have a long path.
        self.home = tempfile.mkdtemp(prefix="avr-gpg-", dir="/tmp")

    def run(self, *arguments, given=None, passphrase="", batch=True):
        gpg = ["gpg", "--homedir", self.home, "--no-tty", "--yes", "--status-fd", "2", "--pinentry-mode", "loopback"]
        gpg += ["--batch"] * batch + ["--passphrase", passphrase, *arguments]
        done = subprocess.run(gpg, input=given, capture_output=True)
        self.said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, self.said
        return done.stdout

    def make(self, *what, passphrase=""):
        """A key; its fingerprint."""
        self.run("--quick-gen-key", *what, passphrase=passphrase)
        return re.search(r"KEY_CREATED \w (\w{40})", self.said)[1]

    def add_encryption(self, fingerprint, until):
        self.run("--quick-add-key", fingerprint, "cv25519", "encr", until)

    def public(self, fingerprint):
        return self.run("--armor", "--export", fingerprint).decode()

    def secret(self, fingerprint, passphrase=""):
        return self.run("--armor", "--export-secret-keys", fingerprint, passphrase=passphrase).decode()


@pytest.fixture(scope="module")
def gpg():
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed: apt-get install gnupg")
    gnupg = GnuPG()
    gnupg.run("--import", given=CERTIFICATE.encode())
    yield gnupg
    subprocess.run(["gpgconf", "--homedir", gnupg.home, "--kill", "all"], check=False)
    shutil.rmtree(gnupg.home, ignore_errors=True)


@pytest.mark.parametrize(
    ("how", "name", "keys"),
    [
        ("pgp", f"{CSV.name}.pgp", {"secret_key": OFFICE[1]}),
        ("password", CSV.name.replace(".csv", ".zip"), {"password": PASSWORD}),
        ("age", f"{CSV.name}.age", {"age_identity": str(IDENTITY)}),
    ],
)
def test_a_seal_opens_with_what_its_office_alone_has(how, name, keys):
    files = sealed(CSV, how)
    assert list(files)[-1] == name
    assert b"list_number" not in files[name]
    assert opened(files, **keys) == (CSV.name, CSV.content)
    others = {"secret_key": make_key("other")[1], "password": "another-password-of-length",
              "age_identity": str(pyrage.x25519.Identity.generate())}  # fmt: skip
    for wrong in ({}, {held: others[held] for held in keys}):
        with pytest.raises(CannotOpen):
            opened(files, **wrong)


def test_a_workbook_keeps_its_name_and_opens_with_its_password_alone(file):
    files = sealed(file, "password")
    assert list(files) == [f"{file.name}.asc", file.name]
    name, content = opened(files, password=PASSWORD)
    assert len(open_list(content, name).entries) == 8
    for wrong in (None, "another-password-of-length"):
        with pytest.raises(CannotOpen):
            opened(files, password=wrong)


@pytest.mark.parametrize("how", ["none", "password", "age"])
def test_a_signature_beside_it_comes_first_and_is_of_the_very_bytes_that_leave(how):
    leaving = seal(CSV, channel(how), KEY, NOW)
    assert [one.name for one in leaving] == [f"{leaving[1].name}.asc", leaving[1].name]
    assert [one.sha256 for one in leaving] == [hashlib.sha256(one.content).hexdigest() for one in leaving]
    keys = {"password": PASSWORD, "age_identity": str(IDENTITY)}
    files = {one.name: one.content for one in leaving}
    signature, content = files.values()
    assert opened(files, **keys) == (CSV.name, CSV.content)
    for forged, certificate in (
        ({leaving[1].name: content}, CERTIFICATE),
        ({leaving[0].name: signature, leaving[1].name: content + b" "}, CERTIFICATE),
        (files, make_key("somebody else")[0]),
    ):
        with pytest.raises(CannotOpen, match="no good signature"):
            opened(forged, certificate, **keys)


def test_a_list_that_is_encrypted_to_an_office_but_not_signed_by_iom_does_not_pass():
    forged = bytes(encrypt(b"forged", [Cert.from_bytes(OFFICE[0].encode())], armor=False))
    with pytest.raises(CannotOpen, match="no good signature"):
        opened({"list.csv.pgp": forged}, secret_key=OFFICE[1])


def test_what_holds_no_personal_data_goes_unsealed_but_signed():
    beside = RenderedFile("a.txt", b"counts", personal=False)
    for how in RECORDED:
        files = sealed(beside, how)
        assert list(files) == ["a.txt.asc", "a.txt"]
        assert opened(files) == ("a.txt", b"counts")


def test_an_office_with_gnupg_opens_its_list_and_sees_whose_it_is(gpg):
    fingerprint = gpg.make("Athens <protection.athens@unhcr.example>", "default", "default", "1y")
    key = SealingKey(public_key=gpg.public(fingerprint), signing=SIGNING)
    (content,) = sealed(CSV, "pgp", key, fingerprint=fingerprint).values()
    assert gpg.run("--decrypt", given=content) == CSV.content
    assert 'Good signature from "IOM (tests)"' in gpg.said


def test_a_signature_beside_a_list_is_good_to_gnupg(gpg, tmp_path):
    for name, content in sealed(CSV, "password").items():
        (tmp_path / name).write_bytes(content)
    (name,) = (path for path in tmp_path.glob("*.zip"))
    gpg.run("--verify", f"{name}.asc", name)
    assert 'Good signature from "IOM (tests)"' in gpg.said


def test_a_key_of_gnupg_with_a_passphrase_signs_and_without_it_nothing_is_made(gpg):
    fingerprint = gpg.make("IOM <avr@iom.example>", "default", "sign", "1y", passphrase="a passphrase")
    secret = gpg.secret(fingerprint, "a passphrase")
    files = sealed(CSV, "age", SealingKey(age_recipient=RECIPIENT, signing=SigningKey(secret, "a passphrase")))
    opened(files, gpg.public(fingerprint), age_identity=str(IDENTITY))
    for wrong in (None, "another"):
        with pytest.raises(SealRefused, match="passphrase"):
            sealed(CSV, "age", SealingKey(age_recipient=RECIPIENT, signing=SigningKey(secret, wrong)))


def test_a_signing_key_whose_part_for_signing_has_expired_makes_nothing_and_ends_with_it(gpg):
    fingerprint = gpg.make("IOM <lists@iom.example>", "default", "cert", "1y")
    gpg.run("--quick-add-key", fingerprint, "ed25519", "sign", "seconds=2")
    signing = SigningKey(gpg.secret(fingerprint), None)
    assert signing_ends_on(signing) <= (NOW + dt.timedelta(days=1)).date()
    time.sleep(2)
    with pytest.raises(SealRefused, match="no part for signing"):
        sealed(CSV, "none", SealingKey(signing=signing))


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed: apt-get install age")
def test_an_office_with_age_opens_its_list(tmp_path):
    (tmp_path / "identity.txt").write_text(f"{IDENTITY}\n")
    content = sealed(CSV, "age")[f"{CSV.name}.age"]
    age = ["age", "--decrypt", "-i", tmp_path / "identity.txt"]
    assert subprocess.run(age, input=content, capture_output=True, check=True).stdout == CSV.content


@pytest.mark.skipif(shutil.which("7z") is None, reason="7-Zip is not installed: apt-get install p7zip-full")
@pytest.mark.parametrize("name", ["GRC-ATH_2026-0007_scheduled.csv", "GRC-ATH_2026-0007_scheduled.pdf"])
def test_an_office_with_7_zip_opens_its_list(tmp_path, name):
    file = RenderedFile(name, CSV.content, personal=True)
    (tmp_path / "list.zip").write_bytes(sealed(file, "password")[f"{name.rpartition('.')[0]}.zip"])
    listed = subprocess.run(["7z", "l", "-slt", tmp_path / "list.zip"], capture_output=True, check=True, text=True)
    assert "AES-256" in listed.stdout
    assert re.search(r"^CRC = *$", listed.stdout, re.MULTILINE), "a checksum tells what is inside"
    for password, code in ((PASSWORD, 0), ("wrong", 2)):
        out = ["7z", "x", "-y", f"-p{password}", f"-o{tmp_path / password}", tmp_path / "list.zip"]
        assert subprocess.run(out, capture_output=True).returncode == code
    assert (tmp_path / PASSWORD / name).read_bytes() == CSV.content


def test_a_key_with_another_fingerprint_stops_the_send():
    with pytest.raises(SealRefused, match="fingerprint that its arrangement records"):
        sealed(CSV, "pgp", fingerprint="0" * 40)


def test_an_expired_key_stops_the_send():
    expiring = Tsk.generate(user_id="a", profile=Profile.RFC4880, validity_seconds=3600).extract_certificate()
    key, fingerprint = SealingKey(public_key=str(expiring), signing=SIGNING), expiring.fingerprint
    assert sealed(CSV, "pgp", key, fingerprint=fingerprint)
    with pytest.raises(SealRefused, match="expired"):
        sealed(CSV, "pgp", key, NOW + dt.timedelta(hours=2), fingerprint=fingerprint)


def test_a_key_whose_part_for_encryption_has_expired_stops_the_send_and_ends_with_it(gpg):
    fingerprint = gpg.make("signs for years <a@unhcr.example>", "default", "sign", "2y")
    with pytest.raises(SealRefused, match="nothing can be encrypted"):
        sealed(CSV, "pgp", SealingKey(public_key=gpg.public(fingerprint), signing=SIGNING), fingerprint=fingerprint)
    gpg.add_encryption(fingerprint, "10d")
    key = SealingKey(public_key=gpg.public(fingerprint), signing=SIGNING)
    assert seal_ends_on(channel("pgp", fingerprint=fingerprint), key) == (NOW + dt.timedelta(days=10)).date()
    assert sealed(CSV, "pgp", key, fingerprint=fingerprint)
    with pytest.raises(SealRefused, match="nothing can be encrypted"):
        sealed(CSV, "pgp", key, NOW + dt.timedelta(days=11), fingerprint=fingerprint)


def test_a_list_is_encrypted_to_no_part_of_a_key_that_was_revoked_or_has_expired(gpg):
    fingerprint = gpg.make("three parts <b@unhcr.example>", "default", "sign", "1y")
    for until in ("seconds=1", "1y", "1y"):
        gpg.add_encryption(fingerprint, until)
    time.sleep(1)
    gpg.run("--command-fd", "0", "--edit-key", fingerprint, given=b"key 2\nrevkey\ny\n0\n\ny\nsave\n", batch=False)
    public = gpg.public(fingerprint)
    key = SealingKey(public_key=public, signing=SIGNING)
    later = dt.datetime.now(dt.UTC)
    (content,) = sealed(CSV, "pgp", key, later, fingerprint=fingerprint).values()
    assert gpg.run("--decrypt", given=content) == CSV.content
    assert gpg.said.count("ENC_TO") == 1


def test_a_revoked_key_stops_the_send():
    key = Tsk.generate(user_id="a", profile=Profile.RFC4880)
    certificate = key.extract_certificate()
    revoked = Cert.from_bytes(bytes(certificate) + bytes(certificate.revoke(key.certifier())))
    given = SealingKey(public_key=str(revoked), signing=SIGNING)
    with pytest.raises(SealRefused, match="revoked"):
        sealed(CSV, "pgp", given, fingerprint=revoked.fingerprint)


def test_an_offices_secret_key_is_not_used_as_its_public_one():
    with pytest.raises(SealRefused, match="others have seen it"):
        sealed(CSV, "pgp", SealingKey(public_key=OFFICE[1], signing=SIGNING))


@pytest.mark.parametrize("given", [None, "", "not a key"])
def test_without_a_good_key_nothing_is_made(given):
    with pytest.raises(SealRefused, match="OpenPGP key"):
        sealed(CSV, "pgp", SealingKey(public_key=given, signing=SIGNING))


@pytest.mark.parametrize(
    "given",
    [None, "", "not a recipient", str(pyrage.x25519.Identity.generate().to_public())],
    ids=["missing", "empty", "no recipient", "another one"],
)
def test_an_age_recipient_that_is_not_the_recorded_one_stops_the_send(given):
    with pytest.raises(SealRefused, match="age recipient"):
        sealed(CSV, "age", SealingKey(age_recipient=given, signing=SIGNING))


def test_a_mistyped_age_recipient_stops_the_send():
    mistyped = RECIPIENT[:-1] + ("q" if RECIPIENT[-1] != "q" else "p")
    with pytest.raises(SealRefused, match="mistyped"):
        sealed(CSV, "age", SealingKey(age_recipient=mistyped, signing=SIGNING), recipient=mistyped)


@pytest.mark.parametrize("password", [None, "", "short", "ein Paßwort mit Umlauten"])
def test_without_a_good_password_nothing_is_made(file, password):
    for one in (file, CSV):
        with pytest.raises(SealRefused, match=r"16 characters|beyond ASCII"):
            sealed(one, "password", SealingKey(None, password, TODAY, None, SIGNING))


def test_a_password_older_than_arranged_seals_nothing(file):
    made = dt.date(2026, 6, 1)
    key = SealingKey(None, PASSWORD, made.isoformat(), None, SIGNING)
    last = dt.datetime(2026, 8, 30, 23, tzinfo=dt.UTC)
    assert sealed(file, "password", key, last, rotate_after="90 days")
    assert seal_ends_on(channel("password", rotate_after="90 days"), key) == last.date()
    with pytest.raises(SealRefused, match="had to be changed by 2026-08-30"):
        sealed(file, "password", key, last + dt.timedelta(hours=1), rotate_after="90 days")
    assert sealed(file, "password", key, last + dt.timedelta(days=90))


@pytest.mark.parametrize("since", [None, "", "last spring", 20261101])
def test_a_password_of_unknown_age_seals_nothing(since):
    with pytest.raises(SealRefused, match="password_since"):
        sealed(CSV, "password", SealingKey(None, PASSWORD, since, None, SIGNING))


def test_a_password_of_next_year_is_a_slip_of_the_pen():
    later = (NOW + dt.timedelta(days=365)).date().isoformat()
    with pytest.raises(SealRefused, match="in the future"):
        sealed(CSV, "password", SealingKey(None, PASSWORD, later, None, SIGNING))


def revoked_signing_key():
    key = Tsk.generate(user_id="IOM", profile=Profile.RFC4880)
    revocation = key.extract_certificate().revoke(key.certifier())
    return str(Tsk.from_bytes(bytes(key) + bytes(revocation)))


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (None, "is missing"),
        ("not a key", "cannot be read"),
        (CERTIFICATE, "no part for signing"),
        (revoked_signing_key(), "is revoked"),
        (str(Tsk.generate(user_id="IOM", profile=Profile.RFC4880, validity_seconds=60)), "has expired"),
    ],
    ids=["missing", "unreadable", "public", "revoked", "expired"],
)
@pytest.mark.parametrize("how", list(RECORDED))
def test_without_a_good_signing_key_nothing_is_made(how, secret, why):
    key = SealingKey(OFFICE[0], PASSWORD, TODAY, RECIPIENT, SigningKey(secret, None))
    with pytest.raises(SealRefused, match=why):
        sealed(CSV, how, key, NOW + dt.timedelta(hours=1))


def test_the_end_of_what_never_ends_is_not_set():
    assert [seal_ends_on(channel(how), KEY) for how in ("none", "pgp", "age")] == [None] * 3
    assert signing_ends_on(SIGNING) is None


def test_a_key_that_stands_in_a_traceback_shows_nothing_of_itself():
    assert PASSWORD not in repr(KEY)
    assert "BEGIN" not in repr(KEY) + repr(SIGNING)
