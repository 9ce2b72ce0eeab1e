"""TLS for publishers: a certificate that may be renewed while the server runs."""

import ssl
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_RECORD_BYTES_MAX = 1 << 14  # RFC 8446, 5.1

type _Stamp = tuple[tuple[int, int, int], ...]


class CertificateUnusable(Exception):
    """The certificate or its key cannot be read, or they do not belong together."""


class TlsFailed(Exception):
    """The peer does not speak TLS, or not so that we agree."""


class TlsLayer:
    """The server's end of one TLS connection, without its socket.

    asyncio's own would hide connections from the server's bounds until their handshake is over; and
    its `start_tls` comes too late with uvloop, which reads before anything can be done about it.

    Attributes:
        is_closed: the peer said that it sends nothing more.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False
        self.is_closed = False

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the socket; return those of the peer that they carry.

        Raises:
            TlsFailed: see there; `data_to_send` has the alert that tells the peer.
        """
        self._incoming.write(data)
        pieces = []
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
            while piece := self._tls.read(_RECORD_BYTES_MAX):
                pieces.append(piece)
            self.is_closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise TlsFailed(f"no TLS: {error.reason or error}") from None
        return b"".join(pieces)

    def send(self, data: bytes) -> None:
        """Take bytes for the peer, after it has been heard."""
        self._tls.write(data)

    def data_to_send(self) -> bytes:
        """What is to be written to the socket now."""
        return self._outgoing.read()


class ServerTls:
    """The certificate that publishers are shown; connections that exist keep theirs."""

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        """Raises CertificateUnusable."""
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._stamp = self._read_stamp()
        self._context = self._load()

    def accept(self) -> TlsLayer:
        """The TLS of a new connection."""
        return TlsLayer(self._context)

    def refresh(self) -> None:
        """Take up renewed files; such as are unusable are logged once, and the old ones stay.

        It reads the disk. A renewal that writes one file after the other is unusable in between.
        """
        try:
            stamp = self._read_stamp()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._context = self._load()
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
        context.options |= ssl.OP_NO_RENEGOTIATION  # nobody needs it, and it is work
        try:
            # An encrypted key would be asked for at the terminal; no word is the right one.
            context.load_cert_chain(self._certificate_file, self._key_file, password="")
        except (OSError, ValueError) as error:
            raise CertificateUnusable(f"{self._certificate_file}: {error}") from None
        return context
