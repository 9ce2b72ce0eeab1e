"""Forms with files (RFC 7578) taken apart as their bytes come, without I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass

# A part's head names a field and a file; 255 characters of UTF-8 are 1 KiB.
_HEAD_BYTES_MAX = 4_096
# RFC 2046, 5.1.1.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_PARAMETER = re.compile(r';\s*([A-Za-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')


class MalformedForm(ValueError):
    """The body is not the form it says it is; the text tells where it goes wrong."""


@dataclass(frozen=True, slots=True)
class PartBegun:
    """A field or file begins. `filename` is as the client wrote it; None for a field."""

    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """Some of the part's bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnded:
    """All of the part has been given."""


@dataclass(frozen=True, slots=True)
class FormEnded:
    """The closing boundary was seen; what follows is ignored."""


type FormEvent = PartBegun | PartData | PartEnded | FormEnded


class FormParser:
    """Bytes in, events out; holds back no more than a boundary or a part's head."""

    def __init__(self, boundary: str) -> None:
        """Raises: MalformedForm: no boundary can look like this."""
        if _BOUNDARY.fullmatch(boundary) is None:
            raise MalformedForm("the form's boundary is missing or not one")
        self._delimiter = b"\r\n--" + boundary.encode()
        # The first boundary may stand at the very beginning, without a line before it.
        self._held = bytearray(b"\r\n")
        self._state: Callable[[list[FormEvent]], bool] = self._seek_first

    def feed(self, data: bytes) -> list[FormEvent]:
        """Take more of the body.

        Raises:
            MalformedForm: see there.
        """
        self._held += data
        events: list[FormEvent] = []
        while self._state(events):
            pass
        return events

    def _seek_first(self, events: list[FormEvent]) -> bool:
        return self._up_to_boundary(events, in_part=False)

    def _in_part(self, events: list[FormEvent]) -> bool:
        return self._up_to_boundary(events, in_part=True)

    def _up_to_boundary(self, events: list[FormEvent], *, in_part: bool) -> bool:
        """Pass on what stands before the next boundary; False when more bytes are needed."""
        found = self._held.find(self._delimiter)
        end = found if found >= 0 else max(len(self._held) - len(self._delimiter) + 1, 0)
        if end and in_part:
            events.append(PartData(bytes(self._held[:end])))
        del self._held[:end]
        if found < 0 or len(self._held) < len(self._delimiter) + 2:
            return False
        self._at_boundary(events, in_part=in_part)
        return True

    def _at_boundary(self, events: list[FormEvent], *, in_part: bool) -> None:
        after = bytes(self._held[len(self._delimiter) : len(self._delimiter) + 2])
        if after not in (b"\r\n", b"--"):
            raise MalformedForm("a boundary goes on where it should end")
        if in_part:
            events.append(PartEnded())
        del self._held[: len(self._delimiter) + 2]
        if after == b"--":
            events.append(FormEnded())
            self._state = self._behind
        else:
            self._state = self._in_head

    def _in_head(self, events: list[FormEvent]) -> bool:
        end = self._held.find(b"\r\n\r\n", 0, _HEAD_BYTES_MAX)
        if end < 0:
            if len(self._held) >= _HEAD_BYTES_MAX:
                raise MalformedForm(f"a part's head is longer than {_HEAD_BYTES_MAX} bytes")
            return False
        events.append(_part(bytes(self._held[:end])))
        del self._held[: end + 4]
        self._state = self._in_part
        return True

    def _behind(self, _events: list[FormEvent]) -> bool:
        self._held.clear()
        return False


def _part(head: bytes) -> PartBegun:
    for line in head.decode("utf-8", errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return _disposition(value)
    raise MalformedForm("a part has no Content-Disposition")


def _disposition(value: str) -> PartBegun:
    parameters = {
        key.lower(): _unquoted(quoted) if quoted or not token else token
        for key, quoted, token in _PARAMETER.findall(value)
    }
    if not value.strip().lower().startswith("form-data") or "name" not in parameters:
        raise MalformedForm("a part has no name")
    return PartBegun(parameters["name"], parameters.get("filename"))


def _unquoted(text: str) -> str:
    """Only what has to be escaped: a backslash is also what some browsers put between folders."""
    return re.sub(r'\\(["\\])', r"\1", text)
