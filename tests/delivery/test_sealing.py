import hashlib
import shutil
import subprocess
import tempfile
import time

import pytest
from pysequoia import Cert, Profile, Tsk

from include.delivery.sealing import SealRefused, make_key, seal
from include.delivery.unsealing import CannotOpen, unseal
from include.lists.document import RenderedFile, render
from include.lists.opening import open_list
from tests.lists.sample import sample

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def key():
    return make_key("GRC-ATH <protection.athens@unhcr.example>")


@pytest.fixture(scope="module")
def file():
    return render(sample(), "xlsx")[0]


def test_a_list_sealed_with_pgp_opens_with_the_offices_key_alone(key, file):
    public, secret, fingerprint = key
    sealed = seal(file, "pgp", public_key=public, fingerprint=fingerprint)
    assert sealed.name == f"{file.name}.pgp"
    assert sealed.sha256 == hashlib.sha256(sealed.content).hexdigest()
    assert b"GRC-ATH" not in sealed.content
    assert unseal(sealed.content, sealed.name, secret_key=secret) == (file.name, file.content)
    with pytest.raises(CannotOpen):
        unseal(sealed.content, sealed.name, secret_key=make_key("other")[1])


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed: apt-get install gnupg")
def test_an_office_that_keeps_its_key_in_gnupg_opens_its_list(file):
    # The agent's socket must not have a long path.
    home = tempfile.mkdtemp(prefix="avr-gpg-", dir="/tmp")
    gpg = ["gpg", "--homedir", home, "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]

    def run(*arguments, given=None):
        return subprocess.run([*gpg, *arguments], input=given, check=True, capture_output=True).stdout

    try:
        run("--quick-gen-key", "Athens <protection.athens@unhcr.example>", "default", "default", "1y")
        listed = run("--list-keys", "--with-colons").decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        public = run("--armor", "--export").decode()
        sealed = seal(file, "pgp", public_key=public, fingerprint=fingerprint)
        assert run("--decrypt", given=sealed.content) == file.content
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


def test_a_list_sealed_with_a_password_opens_with_it_alone(file):
    sealed = seal(file, "password", password=PASSWORD)
    assert sealed.name == file.name
    name, content = unseal(sealed.content, sealed.name, password=PASSWORD)
    assert len(open_list(content, name).entries) == 8
    for wrong in (None, "another-password-of-length"):
        with pytest.raises(CannotOpen):
            unseal(sealed.content, sealed.name, password=wrong)


def test_a_key_with_another_fingerprint_stops_the_send(key, file):
    with pytest.raises(SealRefused, match="fingerprint that its arrangement records"):
        seal(file, "pgp", public_key=key[0], fingerprint="0" * 40)


def test_an_expired_key_stops_the_send(file):
    expired = Tsk.generate(user_id="a", profile=Profile.RFC4880, validity_seconds=1).extract_certificate()
    while expired.expiration.timestamp() >= time.time():
        time.sleep(0.1)
    with pytest.raises(SealRefused, match="expired"):
        seal(file, "pgp", public_key=str(expired), fingerprint=expired.fingerprint.upper())


def test_a_revoked_key_stops_the_send(file):
    key = Tsk.generate(user_id="a", profile=Profile.RFC4880)
    certificate = key.extract_certificate()
    revoked = Cert.from_bytes(bytes(certificate) + bytes(certificate.revoke(key.certifier())))
    with pytest.raises(SealRefused, match="revoked"):
        seal(file, "pgp", public_key=str(revoked), fingerprint=revoked.fingerprint.upper())


@pytest.mark.parametrize("given", [{}, {"public_key": "not a key", "fingerprint": "0" * 40}])
def test_without_a_good_key_nothing_is_made(file, given):
    with pytest.raises(SealRefused):
        seal(file, "pgp", **given)


@pytest.mark.parametrize("password", [None, "", "short"])
def test_without_a_good_password_nothing_is_made(file, password):
    with pytest.raises(SealRefused, match="16 characters"):
        seal(file, "password", password=password)


def test_a_csv_has_no_password_and_an_unknown_seal_is_none(file):
    with pytest.raises(SealRefused, match="only an XLSX"):
        seal(RenderedFile("a.csv", b"x", personal=True), "password", password=PASSWORD)
    with pytest.raises(SealRefused, match="age is no seal"):
        seal(file, "age")


def test_what_holds_no_personal_data_goes_as_it_is():
    beside = RenderedFile("a.txt", b"counts", personal=False)
    assert seal(beside, "pgp").content == b"counts"
