"""What the server and a transcode worker say to each other, as bytes on a pipe.

A message is its body's length (4 bytes), its kind (1 byte), then the body; integers are big-endian.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from struct import Struct, error

from config.limits import WORKER_MESSAGE_BYTES_MAX
from media.pictures import Picture, PictureKind

_HEAD = Struct(">IB")
_SOURCE = Struct(">qqqBB")
_ENCODED = Struct(">BqqqBB")
_PROGRESS = Struct(">QQQQQq")
_OPENED = Struct(">BBBBIIB")
_LENGTH = Struct(">I")
_SHED = Struct(">Bq")
_PICTURE = Struct(">BHHIBHHB")
_TIME = Struct(">q")
_NUMBER = Struct(">B")
_PICTURE_KINDS = tuple(PictureKind)


class MalformedMessage(ValueError):
    """The peer's bytes are not a message of this protocol."""


@dataclass(frozen=True, slots=True)
class Configure:
    """First message to a worker: its plan, as `media.transcode.plan` writes it."""

    plan: bytes


@dataclass(frozen=True, slots=True)
class SourcePacket:
    """A packet of the source, in 1/90000 s.

    Attributes:
        newest: the greatest pts that the server holds; tells a worker how far behind it is.
        boundary: every rendition starts a segment with this packet's picture.
    """

    dts: int
    pts: int
    newest: int
    keyframe: bool
    boundary: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """Last message to a worker: encode what is left, then say `Finished`."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How pictures are to be shown; numbers of ITU-T H.264, annex E (2 is unspecified).

    Attributes:
        color_range: libavutil's AVColorRange: 1 limited, 2 full, 0 unspecified.
        aspect_width, aspect_height: sample aspect ratio.
    """

    color_range: int = 0
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    aspect_width: int = 1
    aspect_height: int = 1


@dataclass(frozen=True, slots=True)
class Opened:
    """The encoders are open; comes once, before anything encoded.

    Attributes:
        configurations: an AVCDecoderConfigurationRecord for each rung of the plan, in its order.
        preset: of x264, that of the plan or the one that was chosen.
    """

    appearance: Appearance
    configurations: tuple[bytes, ...]
    preset: str = ""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A packet of one rung; times in 1/90000 s."""

    rung: int
    dts: int
    pts: int
    duration: int
    keyframe: bool
    boundary: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """Totals since the worker started.

    Attributes:
        consumed: source packets that it is done with.
        undecodable: packets that gave an error.
        skipped: frames left out for lack of time.
        displaced: frames left out because their time was not after the one before.
        repeated: frames left out because they show nothing new.
        finished: pts up to which every rung has all pictures that it gets.
    """

    consumed: int
    undecodable: int
    skipped: int
    displaced: int
    repeated: int = 0
    finished: int = 0


@dataclass(frozen=True, slots=True)
class Shed:
    """A rung was closed because the worker was `lag_ms` behind and not catching up."""

    rung: int
    lag_ms: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything was encoded and sent; the worker ends."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a file is, as `media.file.description` writes it; the file's plan is the answer."""

    description: bytes


@dataclass(frozen=True, slots=True)
class Captioned:
    """A file's captions: which of its plan's, and its cues as WebVTT."""

    number: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file cannot be used, whoever tries: a code of `media.file.refusal`, and a detail for it."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Position:
    """A file's worker is alive: all of its media before this time was taken, in 1/90000 s."""

    time: int


Message = (
    Configure
    | SourcePacket
    | Finish
    | Opened
    | Encoded
    | Progress
    | Shed
    | Finished
    | Picture
    | Described
    | Captioned
    | Refusal
    | Position
)


def encode_message(message: Message) -> bytes:
    """One message as bytes.

    Raises:
        MalformedMessage: it is longer than the peer accepts.
    """
    kind, body = _encode_body(message)
    if len(body) > WORKER_MESSAGE_BYTES_MAX:
        raise MalformedMessage(f"a message of {len(body)} bytes is too long")
    return _HEAD.pack(len(body), kind) + body


def _encode_body(message: Message) -> tuple[int, bytes]:  # noqa: C901, PLR0911, PLR0912 - a line a kind
    match message:
        case Configure(plan):
            return 1, plan
        case SourcePacket(dts, pts, newest, keyframe, boundary, data):
            return 2, _SOURCE.pack(dts, pts, newest, keyframe, boundary) + data
        case Finish():
            return 3, b""
        case Opened():
            return 4, _encode_opened(message)
        case Encoded(rung, dts, pts, duration, keyframe, boundary, data):
            return 5, _ENCODED.pack(rung, dts, pts, duration, keyframe, boundary) + data
        case Progress():
            return 6, _PROGRESS.pack(*astuple(message))
        case Shed(rung, lag_ms):
            return 7, _SHED.pack(rung, lag_ms)
        case Finished():
            return 8, b""
        case Picture():
            return 9, _encode_picture(message)
        case Described(description):
            return 10, description
        case Refusal(code, detail):
            return 11, code.encode() + b"\n" + detail.encode()
        case Position(time):
            return 12, _TIME.pack(time)
        case Captioned(number, body):
            return 13, _NUMBER.pack(number) + body


def _encode_opened(message: Opened) -> bytes:
    look = message.appearance
    head = _OPENED.pack(
        look.color_range,
        look.primaries,
        look.transfer,
        look.matrix,
        look.aspect_width,
        look.aspect_height,
        len(message.configurations),
    )
    texts = (message.preset.encode(), *message.configurations)
    return head + b"".join(_LENGTH.pack(len(one)) + one for one in texts)


def _decode_opened(body: bytes) -> Opened:
    *look, count = _OPENED.unpack_from(body)
    texts = []
    position = _OPENED.size
    for _ in range(1 + count):
        (length,) = _LENGTH.unpack_from(body, position)
        start = position + _LENGTH.size
        position = start + length
        texts.append(body[start:position])
    if position != len(body):
        raise MalformedMessage("lengths do not add up")
    preset, *configurations = texts
    return Opened(Appearance(*look), tuple(configurations), preset.decode(errors="replace"))


def _encode_picture(picture: Picture) -> bytes:
    head = _PICTURE.pack(
        _PICTURE_KINDS.index(picture.kind),
        picture.width,
        picture.height,
        picture.number,
        picture.columns,
        picture.tile_width,
        picture.tile_height,
        len(picture.times),
    )
    return head + b"".join(_TIME.pack(time) for time in picture.times) + picture.data


def _decode_picture(body: bytes) -> Picture:
    kind, width, height, number, columns, tile_width, tile_height, count = _PICTURE.unpack_from(
        body
    )
    if kind >= len(_PICTURE_KINDS):
        raise MalformedMessage(f"there is no kind {kind} of picture")
    end = _PICTURE.size + count * _TIME.size
    times = tuple(time for (time,) in _TIME.iter_unpack(body[_PICTURE.size : end]))
    if len(times) < count:
        raise MalformedMessage("a picture's times are missing")
    return Picture(
        _PICTURE_KINDS[kind],
        body[end:],
        width,
        height,
        number,
        columns,
        tile_width,
        tile_height,
        times,
    )


def _decode_refusal(body: bytes) -> Refusal:
    code, separator, detail = body.decode(errors="replace").partition("\n")
    if not separator:
        raise MalformedMessage("a refusal without a detail")
    return Refusal(code, detail)


def _decode_source(body: bytes) -> SourcePacket:
    dts, pts, newest, keyframe, boundary = _SOURCE.unpack_from(body)
    data = body[_SOURCE.size :]
    return SourcePacket(dts, pts, newest, bool(keyframe), bool(boundary), data)


def _decode_encoded(body: bytes) -> Encoded:
    rung, dts, pts, duration, keyframe, boundary = _ENCODED.unpack_from(body)
    data = body[_ENCODED.size :]
    return Encoded(rung, dts, pts, duration, bool(keyframe), bool(boundary), data)


_DECODERS: dict[int, Callable[[bytes], Message]] = {
    1: Configure,
    2: _decode_source,
    3: lambda _: Finish(),
    4: _decode_opened,
    5: _decode_encoded,
    6: lambda body: Progress(*_PROGRESS.unpack(body)),
    7: lambda body: Shed(*_SHED.unpack(body)),
    8: lambda _: Finished(),
    9: _decode_picture,
    10: Described,
    11: _decode_refusal,
    12: lambda body: Position(*_TIME.unpack(body)),
    13: lambda body: Captioned(_NUMBER.unpack_from(body)[0], body[_NUMBER.size :]),
}


class MessageReader:
    """Turns bytes as they arrive into messages; holds at most one unfinished message."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take more bytes and return the messages that they complete.

        Raises:
            MalformedMessage: the stream cannot be read on.
        """
        self._buffer += data
        messages = []
        position = 0
        while len(self._buffer) - position >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._buffer, position)
            if length > WORKER_MESSAGE_BYTES_MAX or kind not in _DECODERS:
                raise MalformedMessage(f"kind {kind} of {length} bytes")
            start = position + _HEAD.size
            if len(self._buffer) < start + length:
                break
            position = start + length
            messages.append(_decode(kind, bytes(self._buffer[start:position])))
        del self._buffer[:position]
        return messages


def _decode(kind: int, body: bytes) -> Message:
    try:
        return _DECODERS[kind](body)
    except error as reason:
        raise MalformedMessage(f"kind {kind} of {len(body)} bytes") from reason
