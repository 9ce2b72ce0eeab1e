"""TLS for publishers: a certificate that may be renewed while the server runs."""

import asyncio
import ssl
from pathlib import Path

import structlog

from config.limits import RTMP_HANDSHAKE_MS_MAX, RTMP_STOP_MS_MAX

log = structlog.get_logger(__name__)

type _Stamp = tuple[tuple[int, int, int], ...]


class CertificateUnusable(Exception):
    """The certificate or its key cannot be read, or they do not belong together."""


class ServerTls:
    """The certificate that publishers are shown.

    Attributes:
        context: for the next connection; those that exist keep theirs.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        """Raises CertificateUnusable."""
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._stamp = self._read_stamp()
        self.context = self._load()

    def refresh(self) -> None:
        """Take up renewed files; such as are unusable are logged once, and the old ones stay.

        It reads the disk. A renewal that writes one file after the other is unusable in between.
        """
        try:
            stamp = self._read_stamp()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self.context = self._load()
        except CertificateUnusable as error:
            log.error("the renewed rtmps certificate is not taken up", reason=str(error))
        else:
            log.info("renewed rtmps certificate", file=str(self._certificate_file))

    def _read_stamp(self) -> _Stamp:
        """What tells the files from others of the same names."""
        try:
            found = [path.stat() for path in (self._certificate_file, self._key_file)]
        except OSError as error:
            self._stamp = ()
            raise CertificateUnusable(str(error)) from None
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An encrypted key would be asked for at the terminal; no word is the right one.
            context.load_cert_chain(self._certificate_file, self._key_file, password="")
        except (OSError, ValueError) as error:
            raise CertificateUnusable(f"{self._certificate_file}: {error}") from None
        return context


async def secure(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext
) -> asyncio.Transport | None:
    """Shake TLS hands on an accepted connection; None when nothing came of it.

    `connection_made` is not called again, and data may be received before this returns.
    """
    loop = asyncio.get_running_loop()
    try:
        return await loop.start_tls(
            transport,
            protocol,
            context,
            server_side=True,
            ssl_handshake_timeout=RTMP_HANDSHAKE_MS_MAX / 1000,
            ssl_shutdown_timeout=RTMP_STOP_MS_MAX / 1000,
        )
    except OSError:  # among them every TLS error
        return None
