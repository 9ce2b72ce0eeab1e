"""Where publishers connect: the plain address, and the one over TLS with its certificate."""

from pathlib import Path

from api.certificate import own_certificate
from config.clock import Clock
from config.settings import Settings
from ingest.rtmp_server import Listener
from ingest.rtmp_tls import ServerTls


def rtmp_listeners(settings: Settings, data: Path, clock: Clock) -> list[Listener]:
    """The addresses of the settings, the plain one first.

    Raises:
        CertificateUnusable: see there.
        SecretExposed: others can read the key that we made.
    """
    listeners = [Listener(settings.rtmp.host, settings.rtmp.port)]
    port = settings.rtmps_port
    if port is not None:
        certificate = _certificate_files(settings, data, clock)
        listeners.append(Listener(settings.rtmps.host, port, ServerTls(*certificate)))
    return listeners


def _certificate_files(settings: Settings, data: Path, clock: Clock) -> tuple[Path, Path]:
    """The certificate and its key."""
    if settings.rtmps.certificate_file:
        return Path(settings.rtmps.certificate_file), Path(settings.rtmps.key_file)
    return own_certificate(data, clock)
