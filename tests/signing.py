"""IOM's key that signs lists, for tests; without a passphrase."""

from include.delivery.keys import SigningKey
from include.delivery.openpgp import make_key

CERTIFICATE, _secret_key, FINGERPRINT = make_key("IOM (tests)")
SIGNING = SigningKey(_secret_key, None)
