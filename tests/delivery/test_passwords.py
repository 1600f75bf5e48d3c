"""The two commands that staff run for seals and signatures."""

import json

import pysequoia

from include.__main__ import main
from include.delivery.passwords import SHORTEST, make_password, spoken
from tests.signing import CERTIFICATE, FINGERPRINT, SIGNING


def test_a_fresh_password_is_strong_and_can_be_read_out_without_doubt():
    made = {make_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(password) >= SHORTEST for password in made)
    signs = set("".join(made)) - {"-"}
    assert len(signs) == 31
    assert not signs & set("il1o0")
    words = {word for password in made for _, group in spoken(password) for word in group.split()}
    assert len(words) == 31, "each sign is said in its own way"


def test_the_password_command_prints_it_and_how_it_is_said_and_where_it_belongs(capsys):
    assert main(["password"]) == 0
    first = capsys.readouterr().out
    password = first.splitlines()[0]
    assert all(f"  {group}   {words}\n" in first for group, words in spoken(password))
    assert "password_since" in first
    assert "password_by" in first
    main(["password"])
    assert password not in capsys.readouterr().out


def test_the_signing_key_command_prints_what_verifies_and_nothing_secret(capsys, monkeypatch):
    connection = {"conn_type": "generic", "extra": {"secret_key": SIGNING.secret_key}}
    monkeypatch.setenv("AIRFLOW_CONN_SIGN_LISTS", json.dumps(connection))
    assert main(["signing-key"]) == 0
    said = capsys.readouterr().out
    assert CERTIFICATE in said
    assert FINGERPRINT in said.replace(" ", "")
    assert "PRIVATE" not in said
    block = said[: said.index("Fingerprint:")]
    assert pysequoia.Cert.from_bytes(block.encode()).fingerprint.upper() == FINGERPRINT


def test_without_the_connection_the_signing_key_command_says_which(capsys, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_SIGN_LISTS", raising=False)
    assert main(["signing-key"]) == 1
    assert "connection sign_lists" in capsys.readouterr().err
