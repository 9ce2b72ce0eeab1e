"""How a receipt is written: JSON of which every byte counts, so that none can be changed unnoticed.

A receipt has objects, arrays, strings of printable ASCII without escapes, integers that every
program's numbers hold (RFC 7493, 2.2) and null. Its file has one layout: the members of the
document and the items of its arrays have a line each, whatever is deeper stands on that line
without blanks. What is hashed is the canonical form of RFC 8785, which for this subset is: keys in
order, no blanks. The page that checks receipts has the same reader (api/web/src/verify/text.ts),
and both say the same of every file.
"""

from collections.abc import Mapping, Sequence

from config.limits import RECEIPT_DEPTH_MAX

type Value = str | int | Sequence[Value] | Mapping[str, Value] | None
type Document = Mapping[str, Value]

INTEGER_MAX = 2**53 - 1
ROOT = "the file"

_DIGITS = frozenset(b"0123456789")
_QUOTE, _BACKSLASH, _MINUS = b'"'[0], b"\\"[0], b"-"[0]


class Misread(Exception):
    """Not written as a receipt is; `path` is where, such as `ticks[3].amount`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def canonical(value: Value) -> str:
    """The form that is hashed (RFC 8785)."""
    match value:
        case None:
            return "null"
        case str():
            return f'"{value}"'
        case int():
            return str(value)
        case Mapping():
            return "{" + ",".join(f'"{k}":{canonical(value[k])}' for k in sorted(value)) + "}"
        case _:
            return "[" + ",".join(map(canonical, value)) + "]"


def write(document: Document) -> str:
    """The file: members in the order of the document."""
    members = [f'  "{name}": {_member(value)}' for name, value in document.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _member(value: Value) -> str:
    if value and isinstance(value, Sequence) and not isinstance(value, str):
        return "[\n" + ",\n".join(f"    {_compact(item)}" for item in value) + "\n  ]"
    return _compact(value)


def _compact(value: Value) -> str:
    """As `canonical`, but members keep their order: people read them."""
    match value:
        case Mapping():
            return "{" + ",".join(f'"{k}":{_compact(v)}' for k, v in value.items()) + "}"
        case None | str() | int():
            return canonical(value)
        case _:
            return "[" + ",".join(map(_compact, value)) + "]"


def read(data: bytes) -> dict[str, Value]:
    """What `write` wrote; of anything else it says where it begins to be something else.

    Raises:
        Misread: see there.
    """
    return _Reader(data).document()


# How the members of an object or the items of an array are told apart, by depth.
_LINES = {0: ("\n  ", ",\n  ", "\n"), 1: ("\n    ", ",\n    ", "\n  ")}
_INLINE = ("", ",", "")


class _Reader:
    """Reads one file, byte by byte; `_path` names the value that was read or begun last."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._path = ROOT

    def document(self) -> dict[str, Value]:
        found = self._object(ROOT, 0)
        self._expect("\n")
        if self._at < len(self._data):
            raise Misread(ROOT, f"line {self._line()}: goes on after its end")
        return found

    def _value(self, path: str, depth: int) -> Value:
        self._path = path
        match self._peek():
            case 0x22:
                return self._string()
            case 0x7B:
                return self._object(path, depth)
            case 0x5B:
                return self._array(path, depth)
            case 0x6E:
                self._expect("null")
                return None
            case _:
                return self._integer()

    def _object(self, path: str, depth: int) -> dict[str, Value]:
        opens, between, closes = _LINES[0] if depth == 0 else _INLINE
        colon = ": " if depth == 0 else ":"
        found: dict[str, Value] = {}
        self._enter("{", depth)
        if self._took("}"):
            return found
        self._expect(opens)
        while True:
            name = self._string()
            member = name if path == ROOT else f"{path}.{name}"
            if name in found:
                raise Misread(member, f"line {self._line()}: is there twice")
            self._path = member
            self._expect(colon)
            found[name] = self._value(member, depth + 1)
            if not self._took(between):
                self._expect(closes + "}")
                return found

    def _array(self, path: str, depth: int) -> list[Value]:
        opens, between, closes = _LINES[1] if depth == 1 else _INLINE
        found: list[Value] = []
        self._enter("[", depth)
        if self._took("]"):
            return found
        self._expect(opens)
        while True:
            found.append(self._value(f"{path}[{len(found)}]", depth + 1))
            if not self._took(between):
                self._expect(closes + "]")
                return found

    def _string(self) -> str:
        self._expect('"')
        start = self._at
        while self._peek() != _QUOTE:
            byte = self._peek()
            if not 0x20 <= byte < 0x7F or byte == _BACKSLASH:
                raise self._unexpected()
            self._at += 1
        self._at += 1
        return self._data[start : self._at - 1].decode("ascii")

    def _integer(self) -> int:
        start = self._at
        if self._peek() == _MINUS:
            self._at += 1
        first = self._at
        while self._peek() in _DIGITS:
            self._at += 1
        digits = self._data[first : self._at]
        if not digits:
            raise self._unexpected()
        text = self._data[start : self._at].decode("ascii")
        # Exactly as it would be written: no zeros before it, no minus zero.
        if len(text) > 17 or str(int(text)) != text or abs(int(text)) > INTEGER_MAX:
            raise Misread(
                self._path, f"line {self._line()}: {text[:20]} is no integer of a receipt"
            )
        return int(text)

    def _enter(self, bracket: str, depth: int) -> None:
        if depth > RECEIPT_DEPTH_MAX:
            raise Misread(self._path, f"line {self._line()}: is nested too deeply")
        self._expect(bracket)

    def _peek(self) -> int:
        """The next byte; -1 at the end."""
        return self._data[self._at] if self._at < len(self._data) else -1

    def _took(self, text: str) -> bool:
        """Whether the next bytes are these, which then are behind us."""
        if not self._data.startswith(text.encode(), self._at):
            return False
        self._at += len(text)
        return True

    def _expect(self, text: str) -> None:
        if not self._took(text):
            for byte in text.encode():  # up to the byte that is wrong
                if self._peek() != byte:
                    break
                self._at += 1
            raise self._unexpected()

    def _unexpected(self) -> Misread:
        byte = self._peek()
        found = "the end" if byte < 0 else f"byte 0x{byte:02x}"
        return Misread(self._path, f"line {self._line()}: {found} does not belong here")

    def _line(self) -> int:
        return self._data.count(b"\n", 0, self._at) + 1
