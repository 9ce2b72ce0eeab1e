"""What the wire says of a publisher, from the report that its packets made."""

import json

from api.preflight import publishers_json
from ingest.preflight import Preflight
from ingest.publisher_status import PublisherStatus, Role
from media.units import VIDEO_TIMESCALE, MediaKind, Packet, Track

VIDEO = Track(MediaKind.VIDEO, "avc1.64002a", VIDEO_TIMESCALE, b"", 1920, 1080, (30_000, 1_001))
SOUND = Track(MediaKind.AUDIO, "nothing-known", 48_000, b"", channels=2, sample_rate=48_000)


def test_a_publisher_and_its_report_are_json_from_its_first_moment_on() -> None:
    preflight = Preflight(0)
    preflight.track(VIDEO, 0)
    preflight.track(SOUND, 0)
    documents = []
    for index in range(160):
        now_ms, time = index * 1000 // 30, index * 3_000
        packet = Packet(time, time, 0, index % 120 == 0, bytes(2_000))
        preflight.packet(MediaKind.VIDEO, 0, packet, now_ms)
        report = preflight.report(now_ms)
        status = PublisherStatus("192.0.2.1", "obs", True, Role.STANDBY, now_ms, report)
        documents.append(json.loads(json.dumps(publishers_json([status])))[0])
    first, last = documents[0], documents[-1]
    assert first["preflight"]["complete"] is False
    assert first["preflight"]["findings"] == []
    assert (last["role"], last["secure"], last["connectedMs"]) == ("standby", True, 5_300)
    assert last["bitrate"] > 400_000
    finding = last["preflight"]["findings"][0]
    assert finding["code"] == "gop_too_long"
    assert finding["severity"] == "warning"
    assert "every 4 s" in finding["cause"]
    assert "Keyframe Interval" in finding["cure"]
    video, sound = last["preflight"]["facts"]["tracks"]
    assert (video["coding"], video["profile"], video["keyframeMs"]) == ("h264", "High 4.2", 4_000)
    assert (sound["coding"], sound["codec"]) == (None, "nothing-known")
