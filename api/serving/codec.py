"""Messages between the main process and a serving process as bytes.

A message is the length of what follows (4 bytes), its kind (1 byte), then its body. Integers are
big-endian; a text that is not the last thing in a body has its length before it.
"""

import json
from collections.abc import Callable
from struct import Struct, error
from typing import Any, NamedTuple

from api.auth.client import agent_in, client_of, place_in
from api.serving.messages import (
    Ask,
    AssetIs,
    Await,
    Came,
    Count,
    Done,
    FileIs,
    FindAsset,
    Finish,
    Look,
    Message,
    PlaylistIs,
    ReadFile,
    ReadPlaylist,
    Ready,
    Refused,
    Stop,
    Version,
    Waits,
    Waive,
    Welcome,
)
from packager.package import Charge, MediaFile
from packager.playlist_text import PlaylistText

_LENGTH = Struct(">I")
_HEAD = Struct(">IB")
_ID = Struct(">I")
_ASK = Struct(">IQqq?HQI")
_LOOK = Struct(">I?")
_FINISH = Struct(">I?H")
_WAIVE = Struct(">qq")
_READ_PLAYLIST = Struct(">I?Q")
_AWAIT = Struct(">IQq??")
_REFUSED = Struct(">IBqq")
_ASSET = Struct(">I??")
_VERSION = Struct(">Q?I")
_RUN = Struct(">qI")
_CAME = Struct(">I??")
_FILE = Struct(">I??Qqq??H")
_SHORT = Struct(">H")

_HOLE = b"\0"
_NO_PART = -1
_NO_CHARGE = Charge(0, 0, 0)


class MalformedMessage(ValueError):
    """The peer's bytes are not a message of this protocol."""


def pieces(message: Message) -> tuple[bytes, ...]:
    """A message as it goes over the socket, of which a file's bytes are not copied."""
    form = _BY_CLASS[type(message)]
    body = form.encode(message)
    if type(message) is FileIs:
        file = message.file.body
        return _HEAD.pack(1 + len(body) + len(file), form.kind) + body, file
    return (_HEAD.pack(1 + len(body), form.kind) + body,)


class Reader:
    """Takes bytes as they come, gives whole messages.

    Args:
        bytes_max: of a message; a longer one is refused before it is stored.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now.

        Raises:
            MalformedMessage: there is no going on.
        """
        held = self._held
        held += data
        messages = []
        offset = 0
        while len(held) - offset >= _HEAD.size:
            length, kind = _HEAD.unpack_from(held, offset)
            if not 1 <= length <= self._bytes_max:
                raise MalformedMessage(f"a message of {length} bytes")
            end = offset + _LENGTH.size + length
            if len(held) < end:
                break
            messages.append(_decoded(kind, bytes(memoryview(held)[offset + _HEAD.size : end])))
            offset = end
        del held[:offset]
        return messages


def _decoded(kind: int, body: bytes) -> Message:
    form = _BY_KIND.get(kind)
    if form is None:
        raise MalformedMessage(f"a message of kind {kind}")
    try:
        return form.decode(body)
    except (error, ValueError, IndexError, TypeError) as reason:
        raise MalformedMessage(f"a message of kind {kind}: {reason}") from reason


class _Form(NamedTuple):
    kind: int
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Message]


def _short(text: str) -> bytes:
    data = text.encode()
    return _SHORT.pack(len(data)) + data


def _take_short(body: bytes, offset: int) -> tuple[str, int]:
    (length,) = _SHORT.unpack_from(body, offset)
    start = offset + _SHORT.size
    if len(body) < start + length:
        raise ValueError("a text is cut off")
    return body[start : start + length].decode(), start + length


def _require_end(body: bytes, offset: int) -> None:
    if offset != len(body):
        raise ValueError("something follows")


# --- questions -----------------------------------------------------------------------------------


def _encode_ask(ask: Ask) -> bytes:
    id_, session_id, sequence, start, end, prompt, height, client = ask
    who = (place_in(client), agent_in(client))
    return _ASK.pack(id_, sequence, start, end, prompt, height, *who) + session_id.encode()


def _decode_ask(body: bytes) -> Ask:
    id_, sequence, start, end, prompt, height, *who = _ASK.unpack_from(body)
    session_id, client = body[_ASK.size :].decode(), client_of(*who)
    return Ask(id_, session_id, sequence, start, end, prompt, height, client)


def _encode_waive(waive: Waive) -> bytes:
    return _WAIVE.pack(waive.start, waive.end) + waive.session_id.encode()


def _decode_waive(body: bytes) -> Waive:
    start, end = _WAIVE.unpack_from(body)
    return Waive(body[_WAIVE.size :].decode(), start, end)


def _encode_look(look: Look) -> bytes:
    return _LOOK.pack(look.id, look.present) + look.session_id.encode()


def _decode_look(body: bytes) -> Look:
    id_, present = _LOOK.unpack_from(body)
    return Look(id_, body[_LOOK.size :].decode(), present)


def _encode_read_playlist(read: ReadPlaylist) -> bytes:
    head = _READ_PLAYLIST.pack(read.id, read.skip, read.known)
    return head + _short(read.asset_id) + read.path.encode()


def _decode_read_playlist(body: bytes) -> ReadPlaylist:
    id_, skip, known = _READ_PLAYLIST.unpack_from(body)
    asset_id, offset = _take_short(body, _READ_PLAYLIST.size)
    return ReadPlaylist(id_, asset_id, body[offset:].decode(), skip, known)


def _encode_await(wait: Await) -> bytes:
    part = _NO_PART if wait.part is None else wait.part
    head = _AWAIT.pack(wait.id, wait.sequence, part, wait.plain, wait.skip)
    return head + _short(wait.asset_id) + wait.rendition.encode()


def _decode_await(body: bytes) -> Await:
    id_, sequence, part, plain, skip = _AWAIT.unpack_from(body)
    asset_id, offset = _take_short(body, _AWAIT.size)
    rendition = body[offset:].decode()
    return Await(id_, asset_id, rendition, sequence, None if part < 0 else part, plain, skip)


def _encode_read_file(read: ReadFile) -> bytes:
    return _ID.pack(read.id) + _short(read.asset_id) + read.path.encode()


def _decode_read_file(body: bytes) -> ReadFile:
    (id_,) = _ID.unpack_from(body)
    asset_id, offset = _take_short(body, _ID.size)
    return ReadFile(id_, asset_id, body[offset:].decode())


def _encode_count(count: Count) -> bytes:
    return json.dumps(count.grown).encode()


def _decode_count(body: bytes) -> Count:
    grown = []
    for name, labels, amount in json.loads(body):
        if not (isinstance(name, str) and all(isinstance(label, str) for label in labels)):
            raise ValueError("no name or labels of a counter")
        grown.append((name, tuple(labels), float(amount)))
    return Count(tuple(grown))


# --- answers -------------------------------------------------------------------------------------


def _encode_refused(refused: Refused) -> bytes:
    return _REFUSED.pack(refused.id, refused.reason, *refused.numbers) + refused.text.encode()


def _decode_refused(body: bytes) -> Refused:
    id_, reason, first, second = _REFUSED.unpack_from(body)
    return Refused(id_, reason, (first, second), body[_REFUSED.size :].decode())


def _encode_version(version: Version) -> bytes:
    """Holes are written as what cannot be in a playlist."""
    pieces = [_VERSION.pack(version.number, version.settled, len(version.text.runs))]
    for group, texts in version.text.runs:
        text = _HOLE.join(texts)
        pieces += [_RUN.pack(group, len(text)), text]
    return b"".join(pieces)


def _take_version(body: bytes, offset: int) -> tuple[Version, int]:
    number, settled, count = _VERSION.unpack_from(body, offset)
    offset += _VERSION.size
    runs = []
    for _ in range(count):
        group, length = _RUN.unpack_from(body, offset)
        offset += _RUN.size
        if len(body) < offset + length:
            raise ValueError("a playlist is cut off")
        runs.append((group, tuple(body[offset : offset + length].split(_HOLE))))
        offset += length
    return Version(number, settled, PlaylistText(tuple(runs))), offset


def _encode_playlist(playlist: PlaylistIs) -> bytes:
    return _ID.pack(playlist.id) + _encode_version(playlist.version)


def _decode_playlist(body: bytes) -> PlaylistIs:
    (id_,) = _ID.unpack_from(body)
    version, offset = _take_version(body, _ID.size)
    _require_end(body, offset)
    return PlaylistIs(id_, version)


def _encode_came(came: Came) -> bytes:
    versions = [version for version in (came.plain, came.skip) if version is not None]
    head = _CAME.pack(came.id, came.plain is not None, came.skip is not None)
    return head + b"".join(map(_encode_version, versions))


def _decode_came(body: bytes) -> Came:
    id_, has_plain, has_skip = _CAME.unpack_from(body)
    offset = _CAME.size
    plain = skip = None
    if has_plain:
        plain, offset = _take_version(body, offset)
    if has_skip:
        skip, offset = _take_version(body, offset)
    _require_end(body, offset)
    return Came(id_, plain, skip)


def _encode_file(message: FileIs) -> bytes:
    """All but the file's bytes, which follow."""
    file = message.file
    charge = file.charge or _NO_CHARGE
    head = _FILE.pack(message.id, file.public, file.charge is not None, *charge)
    return head + _short(file.media_type)


def _decode_file(body: bytes) -> FileIs:
    id_, public, charged, *charge = _FILE.unpack_from(body)
    media_type, offset = _take_short(body, _FILE.size)
    return FileIs(
        id_, MediaFile(body[offset:], media_type, Charge(*charge) if charged else None, public)
    )


# --- all of them ---------------------------------------------------------------------------------


def _bare(kind: int, message: Message) -> _Form:
    """A message without anything in it."""

    def decode(body: bytes) -> Message:
        _require_end(body, 0)
        return message

    return _Form(kind, lambda _: b"", decode)


def _fixed(kind: int, of: Callable[..., Message], struct: Struct) -> _Form:
    return _Form(kind, lambda m: struct.pack(*m), lambda body: of(*struct.unpack(body)))


def _text(kind: int, of: Callable[[int, str], Message]) -> _Form:
    """An id, and a text to the end."""
    return _Form(
        kind,
        lambda m: _ID.pack(m[0]) + m[1].encode(),
        lambda body: of(_ID.unpack_from(body)[0], body[_ID.size :].decode()),
    )


_BY_CLASS: dict[type[Any], _Form] = {
    Ready: _bare(0, Ready()),
    Ask: _Form(1, _encode_ask, _decode_ask),
    Finish: _fixed(2, Finish, _FINISH),
    Look: _Form(3, _encode_look, _decode_look),
    FindAsset: _text(4, FindAsset),
    ReadPlaylist: _Form(5, _encode_read_playlist, _decode_read_playlist),
    Await: _Form(6, _encode_await, _decode_await),
    ReadFile: _Form(7, _encode_read_file, _decode_read_file),
    Count: _Form(8, _encode_count, _decode_count),
    Waive: _Form(9, _encode_waive, _decode_waive),
    Welcome: _Form(128, lambda m: bytes(m.brief), Welcome),
    Done: _fixed(129, Done, _ID),
    Refused: _Form(130, _encode_refused, _decode_refused),
    AssetIs: _fixed(131, AssetIs, _ASSET),
    PlaylistIs: _Form(132, _encode_playlist, _decode_playlist),
    Waits: _fixed(133, Waits, _ID),
    Came: _Form(134, _encode_came, _decode_came),
    FileIs: _Form(135, _encode_file, _decode_file),
    Stop: _bare(136, Stop()),
}
_BY_KIND = {form.kind: form for form in _BY_CLASS.values()}
