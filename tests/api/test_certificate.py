"""The certificate that the server makes for itself, as OpenSSL sees it."""

import ssl
import stat
from pathlib import Path

import pytest

from api.certificate import own_certificate
from config.clock import ManualClock, SystemClock
from config.secret_files import SecretExposed

DAY_MS = 86_400_000


def shakes_hands(certificate: Path, key: Path, name: str) -> None:
    """Both ends of a handshake, where the client trusts nothing but that certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname=name),
        server.wrap_bio(there, back, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_whoever_trusts_it_reaches_this_machine_by_any_of_its_names(
    tmp_path: Path, name: str
) -> None:
    shakes_hands(*own_certificate(tmp_path, SystemClock()), name)


def test_it_is_kept_with_a_key_that_only_we_can_read(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path, SystemClock())
    before = certificate.read_bytes()

    assert own_certificate(tmp_path, SystemClock()) == (certificate, key)

    assert certificate.read_bytes() == before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    with pytest.raises(SecretExposed):
        own_certificate(tmp_path, SystemClock())


def test_it_is_made_anew_before_it_expires_or_when_it_is_broken(tmp_path: Path) -> None:
    clock = ManualClock()
    certificate, _ = own_certificate(tmp_path, clock)
    made = [certificate.read_bytes()]

    clock.advance(366 * DAY_MS)
    own_certificate(tmp_path, clock)
    made.append(certificate.read_bytes())
    clock.advance(2 * DAY_MS)
    own_certificate(tmp_path, clock)
    made.append(certificate.read_bytes())
    certificate.write_bytes(b"broken")
    own_certificate(tmp_path, clock)
    made.append(certificate.read_bytes())

    assert made[0] == made[1]
    assert len(set(made)) == 3
