"""OpenPGP as sealing needs it: a certificate to encrypt to, a key to sign with, and the day on which either ends.

Sequoia's errors may quote what they were given, so none of them leaves this module.
"""

import datetime as dt
from collections.abc import Callable

from pysequoia import Cert, Profile, PySigner, SignatureMode, Tsk, encrypt, sign
from pysequoia.packet import KeyFlags, Packet, PacketPile, SignatureType, Tag

from include.delivery.keys import SealRefused, SigningKey

_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)


def sign_and_encrypt(
    content: bytes, public_key: str | None, fingerprint: str | None, signing: SigningKey, now: dt.datetime
) -> bytes:
    """`content` signed by IOM's key and encrypted to the office's, in one message.

    raises: SealRefused if either key is missing, unreadable, expired or revoked, or the office's is another one than
        its arrangement records or can receive nothing
    """
    signer = _signer(signing, now)
    certificate = _offices_certificate(public_key, fingerprint, now)
    try:
        # No armour: the file is as small as it can be, and gpg opens it all the same.
        return bytes(encrypt(content, [certificate], signer=signer, armor=False))
    except Exception:
        raise SealRefused(
            "nothing can be encrypted to the office's OpenPGP key: it has no part for encryption that is in force"
        ) from None


def detached_signature(content: bytes, signing: SigningKey, now: dt.datetime) -> bytes:
    """IOM's armoured signature of `content`. raises: SealRefused if IOM's key is missing or cannot sign."""
    return bytes(sign(_signer(signing, now), content, mode=SignatureMode.DETACHED))


def signing_certificate(signing: SigningKey, now: dt.datetime) -> tuple[str, str]:
    """What offices check signatures with: IOM's armoured certificate, and its fingerprint.

    raises: SealRefused if IOM's key is missing or cannot sign
    """
    _signer(signing, now)
    certificate = _secret_key(signing).extract_certificate()
    return str(certificate), certificate.fingerprint.upper()


def certificate_ends_at(public_key: str) -> dt.datetime | None:
    """When nothing can be encrypted to this certificate any more; None: it does not end.

    raises: SealRefused if it cannot be read
    """
    return _end(_read(public_key), _encrypts)


def signing_key_ends_at(signing: SigningKey) -> dt.datetime | None:
    """When IOM's key can sign nothing more; None: it does not end. raises: SealRefused if it cannot be read."""
    return _end(_secret_key(signing).extract_certificate(), lambda flags: bool(flags.signing))


def make_key(user_id: str) -> tuple[str, str, str]:
    """A new OpenPGP key: certificate and secret key, armoured, and the fingerprint. For the demo and tests."""
    key = Tsk.generate(user_id=user_id, profile=Profile.RFC4880)
    certificate = key.extract_certificate()
    return str(certificate), str(key), certificate.fingerprint.upper()


def _offices_certificate(public_key: str | None, fingerprint: str | None, now: dt.datetime) -> Cert:
    """The office's certificate, with those parts alone that are in force."""
    if not public_key or not fingerprint:
        raise SealRefused("the office's OpenPGP key or its recorded fingerprint is missing")
    certificate = _read(public_key)
    if certificate.fingerprint.upper() != fingerprint:
        raise SealRefused("the office's OpenPGP key does not have the fingerprint that its arrangement records")
    _check_in_force(certificate, "the office's OpenPGP key", now)
    primary, *subkeys = _parts(certificate)
    # Sequoia leaves out revoked subkeys by itself, but would still encrypt to one that has expired.
    current = [packet for subkey in subkeys if _subkey_end(subkey) > now for packet in subkey]
    return Cert.from_packets([*primary, *current])


def _signer(signing: SigningKey, now: dt.datetime) -> PySigner:
    key = _secret_key(signing)
    _check_in_force(key.extract_certificate(), "the signing key of connection sign_lists", now)
    try:
        return key.signer(signing.passphrase or None)
    except Exception:
        raise SealRefused(
            "the signing key of connection sign_lists does not open with the connection's password as its passphrase, "
            "or has no part for signing that is in force"
        ) from None


def _secret_key(signing: SigningKey) -> Tsk:
    if not signing.secret_key:
        raise SealRefused("the signing key is missing: extra `secret_key` of connection sign_lists")
    try:
        return Tsk.from_bytes(signing.secret_key.encode())
    except Exception:
        raise SealRefused("the signing key of connection sign_lists cannot be read as an OpenPGP secret key") from None


def _read(public_key: str) -> Cert:
    try:
        packets = list(PacketPile.from_bytes(public_key.encode()))
        certificate = Cert.from_bytes(public_key.encode())
    except Exception:
        raise SealRefused("the office's OpenPGP key cannot be read") from None
    if any(packet.tag in (Tag.SecretKey, Tag.SecretSubkey) for packet in packets):
        raise SealRefused(
            "the office's secret key was given instead of its public one: others have seen it, so it needs a new key"
        )
    return certificate


def _check_in_force(certificate: Cert, what: str, now: dt.datetime) -> None:
    try:
        revoked, expires = certificate.is_revoked, certificate.expiration
    except Exception:  # a certificate whose own signatures are too weak to count has neither
        raise SealRefused(f"{what} is too old a kind to be relied on") from None
    if revoked:
        raise SealRefused(f"{what} is revoked")
    if expires is not None and expires <= now:
        raise SealRefused(f"{what} has expired on {expires:%Y-%m-%d}")


def _end(certificate: Cert, does: Callable[[KeyFlags], bool]) -> dt.datetime | None:
    """When the certificate ends, or the last of its subkeys for this work, if that is sooner."""
    of_subkeys = [(_newest_binding(subkey).key_flags, _subkey_end(subkey)) for subkey in _parts(certificate)[1:]]
    end = max((end for flags, end in of_subkeys if flags and does(flags)), default=_NEVER)
    end = min(certificate.expiration or _NEVER, end)
    return None if end == _NEVER else end


def _encrypts(flags: KeyFlags) -> bool:
    return bool(flags.transport_encryption or flags.storage_encryption)


def _parts(certificate: Cert) -> list[list[Packet]]:
    """The certificate's packets: those of its primary key, then those of each subkey."""
    parts: list[list[Packet]] = [[]]
    for packet in PacketPile.from_bytes(bytes(certificate)):
        if packet.tag == Tag.PublicSubkey:
            parts.append([])
        parts[-1].append(packet)
    # A subkey that the primary key never bound to itself is nobody's.
    bound = [part for part in parts[1:] if any(p.signature_type == SignatureType.SubkeyBinding for p in part)]
    return [parts[0], *bound]


def _newest_binding(subkey: list[Packet]) -> Packet:
    """The newest statement of the primary key on what this subkey is for, and until when."""
    bindings = [packet for packet in subkey if packet.signature_type == SignatureType.SubkeyBinding]
    return max(bindings, key=lambda packet: packet.signature_created or _LONG_AGO)


def _subkey_end(subkey: list[Packet]) -> dt.datetime:
    if any(packet.signature_type == SignatureType.SubkeyRevocation for packet in subkey):
        return _LONG_AGO
    created, period = subkey[0].key_created, _newest_binding(subkey).key_validity_period
    return created + period if created and period else _NEVER
