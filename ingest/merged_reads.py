"""Fewer reads of a publisher's socket: what is small waits in the kernel until more has come.

Encoders send a frame of sound in some hundred bytes, fifty times a second. To wake up for it costs
several times what reading it does, so it is to come with the next frame of video. SRS does the same
with a timer ("merged read"); here the kernel does it, with the socket's low-water mark.
"""

import contextlib
import socket
import sys
from typing import Protocol

from config.limits import RTMP_READ_BYTES_MIN

# Elsewhere a poll does not heed the mark, or does not notice when it changes.
_IS_SUPPORTED = sys.platform == "linux"
_AT_ONCE = 1


class Socket(Protocol):
    """The part of a transport's socket that is needed."""

    def setsockopt(self, level: int, name: int, value: int) -> None: ...


class MergedReads:
    """Sets the mark of one socket, and lowers it when otherwise something could wait for ever.

    Args:
        of: None for nothing to be merged.
    """

    def __init__(self, of: Socket | None = None) -> None:
        self._socket = of
        self._received = 0
        self._is_merging = False

    def look(self, received: int) -> None:
        """To be called now and then with how many bytes have come in all.

        While they come their reads are merged. When none have come since the last look, those that
        may be waiting are handed over at once.
        """
        self._merge(received != self._received)
        self._received = received

    def stop(self) -> None:
        """Whatever comes from now on is handed over at once."""
        self._merge(False)

    def _merge(self, is_wanted: bool) -> None:
        if self._socket is None or is_wanted is self._is_merging or not _IS_SUPPORTED:
            return
        self._is_merging = is_wanted
        mark = RTMP_READ_BYTES_MIN if is_wanted else _AT_ONCE
        with contextlib.suppress(OSError):  # it is closed, and nothing waits any more
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
