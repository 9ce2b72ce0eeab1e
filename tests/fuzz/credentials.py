"""What publishers show to be let in, wherever they put it, and whom tokens are checked against."""

import contextlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ingest.credentials import parse_credentials
from ingest.key_set import MalformedKeySet, read_key_set
from ingest.publish_token import IssuerKey, TokenRefused, key_id_of, source_id_of
from tests.fuzz.target import Target

_KEY = IssuerKey("issuer", Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())
_NOW_S = 1_800_000_000


def check_credentials(data: bytes) -> None:
    """Anything is taken apart; at most one credential comes of it."""
    text = data.decode("utf-8", "replace")
    stream_name, app, url, *_ = [*text.split("\0"), "", "", ""]
    found = parse_credentials(stream_name, app, url)
    assert not (found.key and found.token)


def check_token(data: bytes) -> None:
    """Nobody can sign with this key, so nothing is opened."""
    token = data.decode("utf-8", "replace")
    with contextlib.suppress(TokenRefused):
        assert isinstance(key_id_of(token), str)
    with contextlib.suppress(TokenRefused):
        source_id_of(token, _KEY, _NOW_S)
        raise AssertionError("a token that nobody signed opens a source")


def check_key_set(data: bytes) -> None:
    """A set is read, key by key, or refused as a whole."""
    with contextlib.suppress(MalformedKeySet):
        assert all(isinstance(key_id, str) for key_id in read_key_set(data))


TARGETS = (
    Target("credentials", check_credentials),
    Target("token", check_token),
    Target("key_set", check_key_set),
)
