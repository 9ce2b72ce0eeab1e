"""A directory with secrets in it and a server nearby, both of which notice every touch."""

import ctypes
import os
import socket
import struct
import threading
from pathlib import Path

_IN_ACCESS, _IN_OPEN = 0x1, 0x20
_IN_NONBLOCK = os.O_NONBLOCK
_EVENT_BYTES = 16


class WatchedFiles:
    """Counts opens and reads of some files, by inotify."""

    def __init__(self, paths: list[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = libc.inotify_init1(_IN_NONBLOCK)
        self._names: dict[int, str] = {}
        for path in paths:
            watch = libc.inotify_add_watch(
                self._descriptor, os.fsencode(path), _IN_ACCESS | _IN_OPEN
            )
            if watch < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch")
            self._names[watch] = path.name

    def touched(self) -> list[str]:
        """Names of the files that were touched since the last call."""
        try:
            events = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return []
        names, position = [], 0
        while position < len(events):
            watch, _, _, length = struct.unpack_from("iIII", events, position)
            names.append(self._names[watch])
            position += _EVENT_BYTES + length
        return names

    def close(self) -> None:
        os.close(self._descriptor)


class Canary:
    """A server on the loopback address that counts its callers and hangs up on them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.hits = 0
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.hits += 1
            connection.close()
