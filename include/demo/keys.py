"""Keys and certificates of the demo's servers, made anew for each demo."""

import datetime as dt
import ipaddress
import secrets

import asyncssh
import pyrage
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TEN_YEARS = dt.timedelta(days=3650)


def make_password() -> str:
    """A password that nobody guesses: 24 letters and digits."""
    return secrets.token_urlsafe(18)


def make_host_key() -> tuple[str, str]:
    """An SSH host key: the secret key in OpenSSH's form, and its public part as `type base64`."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode().split()
    return key.export_private_key().decode(), f"{public[0]} {public[1]}"


def make_age_identity() -> tuple[str, str]:
    """An age identity, which opens, and its recipient, which seals."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def make_tls_certificate(valid: dt.timedelta = _TEN_YEARS, name: str = "localhost") -> tuple[str, str, str]:
    """Certificate and key of a server on this machine, and the authority that signed it; all as PEM.

    valid: from now on; where it is negative the certificate has expired
    name: by which others know the server
    """
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Demo authority")])
    authority = (
        _certificate(authority_name, authority_name, authority_key.public_key(), _TEN_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    server = (
        _certificate(server_name, authority_name, server_key.public_key(), valid)
        .add_extension(names, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    return server.public_bytes(pem).decode(), key.decode(), authority.public_bytes(pem).decode()


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + min(valid, dt.timedelta()) - dt.timedelta(days=1))
        .not_valid_after(now + valid)
    )
