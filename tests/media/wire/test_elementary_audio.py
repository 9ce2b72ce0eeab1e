import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Coding
from media.wire.bits import MalformedConfiguration
from media.wire.elementary_audio import elementary_audio
from media.wire.flv import AudioConfiguration, AudioFrame, parse_audio
from media.wire.nal import MalformedAccessUnit
from tests.media.wire.captures import capture

AUDIOS = [Coding.AAC, Coding.OPUS, Coding.FLAC, Coding.AC3, Coding.EAC3, Coding.MP3]
DURATIONS = {
    Coding.AAC: 0,
    Coding.OPUS: 960,
    Coding.FLAC: 4608,
    Coding.AC3: 1536,
    Coding.EAC3: 1536,
    Coding.MP3: 1152,
}
CONFIGURED = [Coding.AAC, Coding.OPUS, Coding.FLAC]
SELF_DESCRIBED = [Coding.AC3, Coding.EAC3, Coding.MP3]


def tags(coding: Coding) -> list[AudioConfiguration | AudioFrame]:
    sent = [tag for message in capture(coding) for tag in parse_audio(message.data)]
    return [tag for tag in sent if isinstance(tag, AudioConfiguration | AudioFrame)]


def configuration(coding: Coding) -> bytes:
    return next((tag.config for tag in tags(coding) if isinstance(tag, AudioConfiguration)), b"")


def frame(coding: Coding) -> bytes:
    return next(tag.data for tag in tags(coding) if isinstance(tag, AudioFrame))


@pytest.mark.parametrize("coding", AUDIOS)
def test_a_track_is_known_by_the_first_frame_and_stays_the_same(coding: Coding) -> None:
    audio = elementary_audio(coding)
    audio.configure(configuration(coding))
    assert audio.take(frame(coding)) == DURATIONS[coding]
    track = audio.track
    assert track is not None
    assert track.coding is coding

    audio.configure(configuration(coding))
    audio.take(frame(coding))

    assert audio.track is track


@pytest.mark.parametrize("coding", CONFIGURED)
def test_a_broken_configuration_leaves_the_one_before(coding: Coding) -> None:
    audio = elementary_audio(coding)
    audio.configure(configuration(coding))
    track = audio.track

    with pytest.raises(MalformedConfiguration):
        audio.configure(b"\0")

    assert audio.track is track


def test_comments_of_opus_are_no_configuration() -> None:
    audio = elementary_audio(Coding.OPUS)
    audio.configure(b"OpusTags\4\0\0\0Lavf")

    assert audio.track is None


@pytest.mark.parametrize("coding", SELF_DESCRIBED)
def test_frames_that_describe_themselves_need_no_configuration(coding: Coding) -> None:
    audio = elementary_audio(coding)
    audio.configure(b"whatever")
    assert audio.track is None

    audio.take(frame(coding))

    assert audio.track is not None


def test_frames_that_describe_themselves_may_become_others() -> None:
    audio = elementary_audio(Coding.MP3)
    audio.take(b"\xff\xfb\x90\x00")
    audio.take(b"\xff\xf3\x80\x44")

    assert audio.track is not None
    assert audio.track.timescale == 22_050


@pytest.mark.parametrize("coding", [one for one in AUDIOS if one is not Coding.AAC])
def test_what_is_no_frame_is_refused(coding: Coding) -> None:
    with pytest.raises(MalformedAccessUnit):
        elementary_audio(coding).take(b"\xff")


@given(st.sampled_from(AUDIOS), st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_are_fatal(coding: Coding, config: bytes, data: bytes) -> None:
    audio = elementary_audio(coding)
    try:
        audio.configure(config)
        assert audio.take(data) >= 0
    except (MalformedConfiguration, MalformedAccessUnit):
        return


@given(st.sampled_from(AUDIOS), st.integers(0, 40), st.binary(max_size=4), st.integers(0, 4))
def test_no_mutation_is_fatal(coding: Coding, position: int, inserted: bytes, removed: int) -> None:
    audio = elementary_audio(coding)
    data, config = frame(coding), configuration(coding)
    try:
        audio.configure(config[:position] + inserted + config[position + removed :])
        audio.take(data[:position] + inserted + data[position + removed :])
    except (MalformedConfiguration, MalformedAccessUnit):
        return
