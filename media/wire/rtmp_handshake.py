"""RTMP's opening exchange of fixed-size packets, from both ends (RTMP 1.0, 5.2)."""

VERSION = 3
NONCE_BYTES = 1528

_PACKET_BYTES = 1536


class HandshakeFailed(ValueError):
    """The peer does not speak RTMP version 3."""


class Handshake:
    """One end of the handshake.

    The digests that Flash put into the random bytes are not needed: every publisher that exists
    accepts an echo.

    Args:
        is_client: whether we speak first.
        nonce: 1528 bytes that another connection does not have.
    """

    def __init__(self, *, is_client: bool, nonce: bytes) -> None:
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"the nonce must have {NONCE_BYTES} bytes")
        self._is_client = is_client
        self._first = bytes(8) + nonce
        self._buffer = bytearray()
        self._to_send = bytearray()
        self._greeted = False
        self.done = False
        if is_client:
            self._to_send += bytes((VERSION,)) + self._first

    def receive(self, data: bytes) -> bytes:
        """Take bytes; once `done`, returns those after the handshake.

        Raises:
            HandshakeFailed: see there.
        """
        self._buffer += data
        if self._buffer and not self._greeted and self._buffer[0] != VERSION:
            raise HandshakeFailed(f"version {self._buffer[0]} is not RTMP")
        if not self._greeted and len(self._buffer) > _PACKET_BYTES:
            self._greet(bytes(self._buffer[1 : _PACKET_BYTES + 1]))
            del self._buffer[: _PACKET_BYTES + 1]
        if not self._greeted or len(self._buffer) < _PACKET_BYTES:
            return b""
        # C2 or S2 should echo ours; some publishers send something else, and nothing depends on it.
        rest = bytes(self._buffer[_PACKET_BYTES:])
        self._buffer.clear()
        self.done = True
        return rest

    def _greet(self, theirs: bytes) -> None:
        """Answer C0 and C1 with S0, S1 and S2; or S0 and S1 with C2."""
        if not self._is_client:
            self._to_send += bytes((VERSION,)) + self._first
        self._to_send += theirs
        self._greeted = True

    def data_to_send(self) -> bytes:
        """What is to be written to the peer now."""
        data = bytes(self._to_send)
        self._to_send.clear()
        return data
