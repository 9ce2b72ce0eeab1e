"""librtmp, which rtmpdump is made of and OBS has a copy of: run with a URL and an FLV file."""

import ctypes
import sys
import time
from pathlib import Path

# FLV 10.1, annex E.2 and E.4.1.
_FILE_HEADER_BYTES, _TAG_HEADER_BYTES, _TAG_LENGTH_BYTES = 13, 11, 4


def main(url: str, file: str) -> None:
    """Push to the end in real time, or fail."""
    library = _library()
    connection = ctypes.c_void_p(library.RTMP_Alloc())
    library.RTMP_Init(connection)
    address = ctypes.create_string_buffer(url.encode())  # it keeps pointers into it
    _check(library.RTMP_SetupURL(connection, address), "RTMP_SetupURL")
    library.RTMP_EnableWrite(connection)
    _check(library.RTMP_Connect(connection, None), "RTMP_Connect")
    _check(library.RTMP_ConnectStream(connection, 0), "RTMP_ConnectStream")
    _write(library, connection, Path(file).read_bytes())
    library.RTMP_Close(connection)
    library.RTMP_Free(connection)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("librtmp.so.1")
    library.RTMP_Alloc.restype = ctypes.c_void_p
    library.RTMP_Write.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    return library


def _write(library: ctypes.CDLL, connection: ctypes.c_void_p, film: bytes) -> None:
    began, place = time.monotonic(), _FILE_HEADER_BYTES
    while place + _TAG_HEADER_BYTES <= len(film):
        length = int.from_bytes(film[place + 1 : place + 4], "big")
        due = began + int.from_bytes(film[place + 4 : place + 7], "big") / 1000
        end = place + _TAG_HEADER_BYTES + length + _TAG_LENGTH_BYTES
        time.sleep(max(0, due - time.monotonic()))
        tag = film[place:end]
        _check(library.RTMP_Write(connection, tag, len(tag)), "RTMP_Write")
        place = end


def _check(result: int, what: str) -> None:
    if result <= 0:
        raise SystemExit(f"{what} failed")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
