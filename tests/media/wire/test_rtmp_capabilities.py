import pytest

from media.wire.amf_value import EcmaArray, Value
from media.wire.rtmp_capabilities import (
    OURS,
    Capabilities,
    CodecUse,
    Extension,
    read_capabilities,
    write_capabilities,
)

EVERYTHING = CodecUse.DECODE | CodecUse.ENCODE | CodecUse.FORWARD

# Read in both directions.
CASES: list[tuple[dict[str, Value], Capabilities]] = [
    ({"capsEx": 0.0, "videoFourCcInfoMap": {}, "audioFourCcInfoMap": {}}, Capabilities()),
    (
        {
            "capsEx": 15.0,
            "videoFourCcInfoMap": {"*": 4.0, "hvc1": 7.0},
            "audioFourCcInfoMap": {"Opus": 1.0},
        },
        Capabilities(
            Extension.RECONNECT | Extension.MULTITRACK | Extension.MOD_EX | Extension.NANO_OFFSET,
            {"*": CodecUse.FORWARD, "hvc1": EVERYTHING},
            {"Opus": CodecUse.DECODE},
        ),
    ),
]


@pytest.mark.parametrize(("fields", "capabilities"), CASES)
def test_capabilities_are_read(fields: dict[str, Value], capabilities: Capabilities) -> None:
    assert read_capabilities(fields) == capabilities


@pytest.mark.parametrize(("fields", "capabilities"), CASES)
def test_capabilities_are_written(fields: dict[str, Value], capabilities: Capabilities) -> None:
    assert write_capabilities(capabilities) == fields


def test_the_first_versions_list_says_what_can_be_decoded() -> None:
    told = read_capabilities({"fourCcList": ["hvc1", 3.0, "Opus"]})

    assert told.video == told.audio == {"hvc1": CodecUse.DECODE, "Opus": CodecUse.DECODE}


@pytest.mark.parametrize("number", ["3", None, -1.0, float("nan"), float("inf"), 1e300, 4096.0])
def test_what_makes_no_sense_is_left_out(number: Value) -> None:
    fields: dict[str, Value] = {
        "capsEx": number,
        "videoFourCcInfoMap": EcmaArray({"av01": number}),
        "audioFourCcInfoMap": 1.0,
        "fourCcList": "hvc1",
    }

    assert read_capabilities(fields) == Capabilities(video={"av01": CodecUse(0)})


def test_ours_survive_the_wire() -> None:
    assert read_capabilities(write_capabilities(OURS)) == OURS
