"""A certificate that the server makes for itself, where nobody from outside comes."""

import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.data_layout import CERTIFICATES
from api.secret_names import RTMPS_KEY, SECRETS_DIRECTORY
from config.clock import Clock
from config.secret_files import SecretFiles

_FILE = "rtmps-certificate.pem"
_NAMES = (
    x509.DNSName("localhost"),
    x509.IPAddress(IPv4Address("127.0.0.1")),
    x509.IPAddress(IPv6Address("::1")),
)
# As long as browsers take them from anybody; a new one comes with a start of the server.
_VALID = timedelta(days=397)
_RENEWED_BEFORE = timedelta(days=30)
# Clocks of encoders are a little off.
_VALID_BEFORE = timedelta(days=1)


def own_certificate(data: Path, clock: Clock) -> tuple[Path, Path]:
    """The files of our certificate and its key, made now where there is none that is good.

    Raises:
        SecretExposed: others can read the key.
        OSError: nothing can be written.
    """
    secrets_directory = data / SECRETS_DIRECTORY
    text, _ = SecretFiles(secrets_directory).create_or_read(RTMPS_KEY, _new_key)
    key = load_pem_private_key(text.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "we make no others"
    now = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    certificate = data / CERTIFICATES / _FILE
    if not _is_good(certificate, key, now):
        _write(certificate, _sign(key, now))
    return certificate, secrets_directory / RTMPS_KEY


def _new_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _is_good(file: Path, key: ec.EllipticCurvePrivateKey, now: datetime) -> bool:
    """Whether this is a certificate of that key, and for some time yet."""
    try:
        known = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return False
    is_ours = known.public_key() == key.public_key()
    return is_ours and known.not_valid_before_utc <= now < known.not_valid_after_utc - (
        _RENEWED_BEFORE
    )


def _sign(key: ec.EllipticCurvePrivateKey, now: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tollcast on this machine")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_BEFORE)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def _write(file: Path, content: bytes) -> None:
    """The whole file or none of it, also when several processes start at once."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    unfinished.write_bytes(content)
    unfinished.replace(file)
