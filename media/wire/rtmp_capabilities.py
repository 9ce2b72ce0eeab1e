"""What the ends of a connection say that they can do (Enhanced RTMP v2, NetConnection connect)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag

from config.limits import AMF_KEYS_MAX
from media.wire.amf_value import Value, fields_of

_EXTENSIONS = 0xF
_USES = 0x7
_FLAGS_MAX = 0xFFFFFFFF


class Extension(IntFlag):
    """Bits of `capsEx`."""

    NONE = 0
    RECONNECT = 1
    MULTITRACK = 2
    MOD_EX = 4
    NANO_OFFSET = 8


class CodecUse(IntFlag):
    """What can be done with a codec: bits of the FourCC maps' values."""

    DECODE = 1
    ENCODE = 2
    FORWARD = 4


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Nothing, for peers that say nothing: FFmpeg and OBS send HEVC and AV1 all the same.

    Attributes:
        video, audio: by FourCC, `*` for all of them.
    """

    extensions: Extension = Extension.NONE
    video: Mapping[str, CodecUse] = field(default_factory=dict)
    audio: Mapping[str, CodecUse] = field(default_factory=dict)


NO_CAPABILITIES = Capabilities()

_TAKEN = CodecUse.DECODE | CodecUse.FORWARD

OURS = Capabilities(
    Extension.RECONNECT | Extension.MULTITRACK | Extension.MOD_EX | Extension.NANO_OFFSET,
    video=dict.fromkeys(("avc1", "hvc1", "av01", "vp09"), _TAKEN),
    audio=dict.fromkeys(("mp4a", ".mp3", "Opus", "fLaC", "ac-3", "ec-3"), _TAKEN),
)
"""Those of our server."""


def read_capabilities(fields: Mapping[str, Value]) -> Capabilities:
    """Those that a command object, or an answer to it, names; what makes no sense is left out.

    `fourCcList` is Enhanced RTMP v1's: codecs of either kind, of which nothing else is said.
    """
    listed = fields.get("fourCcList")
    names = listed[:AMF_KEYS_MAX] if isinstance(listed, list) else []
    both = dict.fromkeys((name for name in names if isinstance(name, str)), CodecUse.DECODE)
    return Capabilities(
        Extension(_flags(fields.get("capsEx")) & _EXTENSIONS),
        both | _uses(fields.get("videoFourCcInfoMap")),
        both | _uses(fields.get("audioFourCcInfoMap")),
    )


def write_capabilities(capabilities: Capabilities) -> dict[str, Value]:
    """The fields that `read_capabilities` reads."""
    return {
        "capsEx": float(capabilities.extensions),
        "videoFourCcInfoMap": {name: float(use) for name, use in capabilities.video.items()},
        "audioFourCcInfoMap": {name: float(use) for name, use in capabilities.audio.items()},
    }


def _uses(value: Value) -> dict[str, CodecUse]:
    return {name: CodecUse(_flags(use) & _USES) for name, use in fields_of(value).items()}


def _flags(value: Value) -> int:
    is_flags = isinstance(value, float) and 0 <= value <= _FLAGS_MAX
    return int(value) if is_flags and isinstance(value, float) else 0
