"""What a publisher is told about what it sends; the sources are described, and some encoded."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy
import pytest

from config.limits import PREFLIGHT_MS
from ingest.preflight import Preflight, Report, Severity
from ingest.preflight_facts import Facts, TrackFacts
from ingest.preflight_rules import judge
from media.units import VIDEO_TIMESCALE, MediaKind, Packet, Track
from media.wire.nal import (
    annex_b_to_length_prefixed,
    avc_configuration_from_annex_b,
    contains_idr,
    track_from_avc_configuration,
)

AAC = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)


def h264(width: int, options: dict[str, str]) -> tuple[Track, list[Packet]]:
    """Four seconds of a moving picture at 30 frames a second, as x264 encodes them."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = width, 180
    encoder.pix_fmt = options.get("pix_fmt", "yuv420p")
    encoder.framerate, encoder.time_base = Fraction(30), Fraction(1, 30)
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {"preset": "ultrafast", "threads": "1", "g": "60", "bf": "0"}
    encoder.options |= {name: value for name, value in options.items() if name != "pix_fmt"}
    encoded = []
    for index in range(120):
        picture = numpy.full((180, width, 3), index * 2, dtype=numpy.uint8)
        picture[:, index : index + 40] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame = frame.reformat(format=encoder.pix_fmt)
        frame.pts = index
        encoded += encoder.encode(frame)
    encoded += encoder.encode(None)
    assert encoder.extradata is not None
    track = track_from_avc_configuration(avc_configuration_from_annex_b(encoder.extradata))
    packets = []
    for packet in encoded:
        assert packet.dts is not None
        assert packet.pts is not None
        data = annex_b_to_length_prefixed(bytes(packet))
        pts, dts = packet.pts * VIDEO_TIMESCALE // 30, packet.dts * VIDEO_TIMESCALE // 30
        packets.append(Packet(dts, pts, 0, contains_idr(data), data))
    return track, packets


@pytest.fixture(scope="module")
def plain() -> Track:
    return h264(320, {})[0]


@dataclass(frozen=True)
class Sending:
    """A publisher, described.

    Attributes:
        bytes_of: the size of the frame of this number.
        late_ms: how late a packet of this media time arrives; sound by `sound_late_ms` more.
        shown: whether the frame of this number is sent.
        clock: what the publisher's timestamps say at this media time.
    """

    video: Track | None
    sound: Track | None = AAC
    frame_rate: int = 30
    keyframe_frames: int = 60
    bytes_of: Callable[[int], int] = lambda _index: 4_000
    seconds: int = 9
    late_ms: Callable[[int], int] = lambda _at: 0
    sound_late_ms: int = 0
    shown: Callable[[int], bool] = lambda _index: True
    clock: Callable[[int], int] = lambda at: at

    def packets(self) -> list[tuple[int, MediaKind, Packet]]:
        """Arrival, kind and packet, as they arrive."""
        sent = []
        for index in range(self.seconds * self.frame_rate if self.video else 0):
            if self.shown(index):
                at, key = index * 1000 // self.frame_rate, index % self.keyframe_frames == 0
                time = self.clock(at) * 90
                packet = Packet(time, time, 0, key, bytes(self.bytes_of(index)))
                sent.append((at + self.late_ms(at), MediaKind.VIDEO, packet))
        for index in range(self.seconds * 47 if self.sound else 0):
            at = index * 1024 // 48
            time = self.clock(at) * 48
            packet = Packet(time, time, 0, True, bytes(340))
            arrival = at + self.late_ms(at) + self.sound_late_ms
            sent.append((arrival, MediaKind.AUDIO, packet))
        return sorted(sent, key=lambda one: one[0])

    def report(self, prepare: Callable[[Preflight], None] = lambda _preflight: None) -> Report:
        """What the publisher is told at the end."""
        return self.reports(prepare)[-1]

    def reports(
        self, prepare: Callable[[Preflight], None] = lambda _preflight: None
    ) -> list[Report]:
        """The report of every second."""
        preflight, now_ms = Preflight(0), 0
        for track in filter(None, (self.video, self.sound)):
            preflight.track(track, 0)
        prepare(preflight)
        reports, second = [], 1
        for now_ms, kind, packet in self.packets():
            while now_ms >= second * 1000:
                reports.append(preflight.report(second * 1000))
                second += 1
            preflight.packet(kind, 0, packet, now_ms)
        reports.append(preflight.report(now_ms))
        return reports


def codes(report: Report) -> list[str]:
    return [one.code for one in report.findings]


def test_an_encoder_that_is_set_well_is_told_nothing_but_the_figures(plain: Track) -> None:
    report = Sending(plain).report()
    assert report.complete
    assert report.findings == ()
    video, sound = report.facts.tracks
    assert (video.profile, video.frames_per_1000_s // 100) == ("Baseline 1.3", 300)
    assert (video.keyframe_ms, video.keyframe_ms_max, video.b_frames) == (2000, 2000, 0)
    assert sound.bitrate == pytest.approx(340 * 8 * 48_000 / 1024, rel=0.01)
    assert report.facts.bitrate == pytest.approx(video.bitrate + sound.bitrate, rel=0.01)
    assert 98 <= (report.facts.speed_percent or 0) <= 101


def test_a_report_is_complete_within_five_seconds_whatever_comes_or_not() -> None:
    silent = Preflight(1_000)
    assert silent.completed(1_000 + PREFLIGHT_MS - 1) is None
    assert not silent.report(1_000 + PREFLIGHT_MS - 1).complete
    report = silent.completed(1_000 + 4_999)
    assert report is not None
    assert codes(report) == ["nothing_usable"]
    assert report.findings[0].severity is Severity.ERROR
    assert silent.completed(1_000 + 5_001) is None, "it is told once"


FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "gop_too_long": ({"keyframe_frames": 90}, "every 3 s"),
    "gop_irregular": ({"keyframe_frames": 30, "shown": lambda at: at not in (60, 90)}, "after 3 s"),
    "gop_too_short": ({"keyframe_frames": 1}, "every 33 ms"),
    "sound_apart": ({"sound_late_ms": 1_200}, "The sound comes 1.2 s after the picture"),
    "keyframe_missing": ({"shown": lambda _index: False}, "No keyframe"),
    "bitrate_too_high": ({"bytes_of": lambda _index: 12_000}, "2.9 Mbit/s"),
    "bitrate_unstable": (
        {"bytes_of": lambda at: 15_000 if 30 <= at < 60 else 300},
        "at times 3.5 Mbit/s",
    ),
    "frame_rate_unstable": ({"shown": lambda at: at % 10 not in (4, 5)}, "12 of 100"),
    "frame_rate_differs": ({"frame_rate": 25, "keyframe_frames": 50}, "25 frames come"),
    "sound_missing": ({"sound": None}, "No sound"),
    "video_missing": ({"video": None}, "Only sound"),
    "too_slow_upload": ({"late_ms": lambda at: at // 3}, "only 7.5 s"),
    "too_fast": ({"late_ms": lambda at: -at // 2}, "20 s of your stream"),
    "arrives_in_bursts": ({"late_ms": lambda at: max(0, 2_900 - at) * (at > 1_000)}, "1.9 s of it"),
    "timestamps_jump": ({"clock": lambda at: at + 7_000 * (at > 3_000)}, "once"),
}  # fmt: skip


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_told_with_its_cause_and_a_cure(plain: Track, code: str) -> None:
    fault, words = FAULTS[code]
    (finding,) = replace(Sending(plain), **fault).report().findings  # type: ignore[arg-type]
    assert finding.code == code
    assert words in finding.cause
    assert finding.cure


ENCODED: dict[str, tuple[int, dict[str, str], str]] = {
    "gop_too_long": (320, {"g": "300"}, "every 3.9 s or more"),
    "b_frames": (320, {"bf": "8", "b_strategy": "0", "x264-params": "b-adapt=0"}, "8 B-frames"),
    "profile_not_passed_through": (320, {"pix_fmt": "yuv444p"}, "profile 244"),
    "size_unusual": (321, {"pix_fmt": "yuv444p"}, "321x180 has an odd side"),
}


@pytest.mark.parametrize("code", ENCODED)
def test_what_x264_was_told_is_seen_in_what_it_sends(code: str) -> None:
    width, options, words = ENCODED[code]
    track, packets = h264(width, options)
    preflight = Preflight(0)
    preflight.track(track, 0)
    preflight.track(AAC, 0)
    for index, packet in enumerate(packets):
        now_ms = index * 1000 // 30
        preflight.packet(MediaKind.VIDEO, 0, packet, now_ms)
        time = now_ms * 48
        preflight.packet(MediaKind.AUDIO, 0, Packet(time, time, 0, True, b"a"), now_ms)
    findings = {one.code: one for one in preflight.report(4_000).findings}
    expected = {code} | ({"profile_not_passed_through"} if code == "size_unusual" else set())
    assert findings.keys() == expected
    assert words in findings[code].cause


@pytest.mark.parametrize(
    ("codec", "name"),
    [("hvc1.1.6.L93.B0", "HEVC"), ("av01.0.04M.08", "AV1"), ("vp09.00.31.08", "VP9")],
)
def test_what_has_to_be_encoded_again_is_told(plain: Track, codec: str, name: str) -> None:
    opus = replace(AAC, codec="opus")
    report = Sending(replace(plain, codec=codec, extradata=b""), opus).report()
    assert codes(report) == ["codec_transcoded", "sound_transcoded"]
    assert [one.severity for one in report.findings] == [Severity.ADVICE, Severity.INFO]
    assert name in report.findings[0].cause


def test_tracks_that_viewers_are_not_given_are_nothing_to_mend(plain: Track) -> None:
    report = Sending(plain).report(lambda preflight: preflight.skipped("audio track 1"))

    assert codes(report) == ["further_tracks"]
    assert report.findings[0].severity is Severity.INFO
    assert "audio track 1" in report.findings[0].cause


def test_several_tracks_of_sound_are_offered_as_far_as_they_need_no_encoder() -> None:
    """Of which the first is heard in any case: what it is encoded again for is said besides."""
    opus = replace(AAC, codec="opus")
    tracks = (
        TrackFacts(0, opus, packets=9),
        TrackFacts(1, AAC, packets=9),
        TrackFacts(3, opus, packets=9),
        TrackFacts(4, opus),
    )
    found = {each.code: each for each in judge(Facts(tracks=tracks))}
    assert found["sounds_to_choose"].cause.startswith("2 tracks of sound come: viewers can choose")
    assert found["sounds_left_out"].cause.startswith("Sound track 3 comes in Opus and is left out")
    assert found["sounds_left_out"].severity is Severity.WARNING
    one = {each.code for each in judge(Facts(tracks=tracks[1:2]))}
    assert not {"sounds_to_choose", "sounds_left_out"} & one


def test_what_cannot_be_used_is_named_and_bounded(plain: Track) -> None:
    def skip(preflight: Preflight) -> None:
        for index in range(100):
            preflight.skipped(f"video codec {index}")
        preflight.keyframe_unusable(0)
        preflight.keyframe_unusable(7)
        preflight.metadata({"encoder": "e" * 500, "videodatarate": 9_000.0, "audiodatarate": "no"})

    report = Sending(plain).report(skip)
    assert codes(report) == ["open_gop", "track_skipped", "bitrate_low"]
    assert len(report.facts.skipped) < 10
    assert len(report.facts.encoder) < 100
    assert "9 Mbit/s are announced" in report.findings[-1].cause


def test_what_an_encoder_changes_is_seen(plain: Track) -> None:
    preflight = Preflight(0)
    preflight.track(plain, 0)
    broken = replace(plain, width=641, extradata=b"", codec="avc1.zz001f")
    preflight.track(broken, 0)
    for index in range(130):
        packet = Packet(index * 3_000, index * 3_000, 0, index % 60 == 0, b"a")
        preflight.packet(MediaKind.VIDEO, 0, packet, index * 1000 // 30)
    report = preflight.report(4_500)
    assert codes(report) == ["profile_not_passed_through", "size_unusual", "sound_missing"]
    assert report.facts.videos[0].profile == "avc1.zz001f"


def test_a_single_large_picture_has_no_frame_rate_to_be_judged_by(plain: Track) -> None:
    preflight = Preflight(0)
    preflight.track(replace(plain, width=2560, height=1440, frame_rate=(0, 1)), 0)
    preflight.packet(MediaKind.VIDEO, 0, Packet(0, 0, 0, True, b"a"), 10)
    found = codes(preflight.report(4_990))
    assert found == ["too_slow_upload", "size_unusual", "sound_missing"]


def test_a_jump_of_the_clock_is_told_for_a_minute(plain: Track) -> None:
    jump = Sending(plain, seconds=75, clock=lambda at: at + 7_000 * (at > 3_000))
    told = [codes(report) for report in jump.reports()]
    assert told[5:60] == [["timestamps_jump"]] * 55
    assert told[-1] == []


def test_every_track_is_judged_and_each_fault_is_told_once(plain: Track) -> None:
    preflight = Preflight(0)
    for number in (0, 1, 2):
        preflight.track(replace(plain, width=plain.width >> number), number)
    preflight.track(AAC, 0)
    for index in range(130):
        now_ms, time = index * 1000 // 30, index * 3_000
        for number in (0, 1, 2):
            packet = Packet(time, time, 0, index % (60 + 40 * number) == 0, bytes(900))
            preflight.packet(MediaKind.VIDEO, number, packet, now_ms)
        sound = Packet(now_ms * 48, now_ms * 48, 0, True, b"a")
        preflight.packet(MediaKind.AUDIO, 0, sound, now_ms)
        preflight.packet(MediaKind.AUDIO, 5, sound, now_ms)
    report = preflight.report(4_500)
    assert codes(report) == ["gop_too_long"]
    assert [one.number for one in report.facts.videos] == [0, 1, 2]
    assert len(report.facts.sounds) == 1, "what was never announced does not count"


def test_a_clock_that_runs_fast_is_told_after_a_minute_and_a_slower_network_is_not(
    plain: Track,
) -> None:
    steady = Sending(plain, frame_rate=10, keyframe_frames=20, seconds=100)
    steady = replace(steady, video=replace(plain, frame_rate=(10, 1)))
    fast = replace(steady, late_ms=lambda at: -at // 500).report()
    assert codes(fast) == ["clock_drift"]
    assert "fast, by 1" in fast.findings[0].cause
    slower_once = replace(steady, late_ms=lambda at: 600 * (at > 50_000)).report()
    assert codes(slower_once) == []
    assert abs(slower_once.facts.drift_ms_per_minute or 0) < 10


def test_what_comes_later_is_told_when_it_lasts_and_taken_back_when_it_is_over(
    plain: Track,
) -> None:
    """Frames get lost from the 20th to the 50th second; a single bad second changes nothing."""

    def shown(index: int) -> bool:
        second = index // 30
        return index % 5 != 2 or not (second == 10 or 20 <= second < 50)

    told = [codes(report) for report in Sending(plain, seconds=90, shown=shown).reports()]
    first = told.index(["frame_rate_unstable"])
    last = len(told) - told[::-1].index(["frame_rate_unstable"])
    assert 24 <= first <= 35
    assert 60 <= last <= 80
    assert all(told[first:last]), "it does not come and go"
    assert not any(told[:first] + told[last:])


def test_a_keyframe_that_does_not_come_is_told_as_soon_as_it_is_missing(plain: Track) -> None:
    """An encoder that looks ahead has sent little of its first group when the report is due."""
    late = Sending(plain, keyframe_frames=300, seconds=20, late_ms=lambda _at: 2_500)
    reports = late.reports()
    assert [report.complete for report in reports[:5]] == [False] * 4 + [True]
    assert [codes(report) for report in reports[5:7]] == [["gop_too_long"]] * 2
    assert "every 10 s:" in reports[-1].findings[0].cause


def test_the_report_is_made_anew_once_a_second(plain: Track) -> None:
    preflight = Preflight(0)
    preflight.track(plain, 0)
    assert preflight.report(10) is preflight.report(800)
    assert preflight.report(1_000) is not preflight.report(2_000)
