"""A source's publishers and their preflight reports, on the wire."""

from collections.abc import Sequence

from ingest.preflight import Facts, Report
from ingest.preflight_facts import TrackFacts
from ingest.publisher_status import PublisherStatus
from media.units import MediaKind


def publishers_json(publishers: Sequence[PublisherStatus]) -> list[dict[str, object]]:
    """Those who publish to a source now, the one that is shown first."""
    return [publisher_json(one) for one in publishers]


def publisher_json(publisher: PublisherStatus) -> dict[str, object]:
    """One publisher as the studio shows it. Rates are bits a second."""
    return {
        "address": publisher.address,
        "client": publisher.client,
        "secure": publisher.secure,
        "role": publisher.role.value,
        "connectedMs": publisher.connected_ms,
        "bitrate": publisher.bitrate,
        "preflight": report_json(publisher.report),
    }


def report_json(report: Report) -> dict[str, object]:
    """A preflight report; while it is not complete there are no findings."""
    return {
        "complete": report.complete,
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "cause": finding.cause,
                "cure": finding.cure,
            }
            for finding in report.findings
        ],
        "facts": facts_json(report.facts),
    }


def facts_json(facts: Facts) -> dict[str, object]:
    """The figures of a report; null is what is not known yet."""
    return {
        "encoder": facts.encoder,
        "tracks": [_track_json(track) for track in facts.tracks],
        "bitrate": facts.bitrate,
        "bitratePeak": facts.bitrate_peak,
        "bitrateDeclared": facts.bitrate_declared,
        "speedPercent": facts.speed_percent,
        "burstMs": facts.burst_ms,
        "soundLateMs": facts.sound_late_ms,
        "driftMsPerMinute": facts.drift_ms_per_minute,
        "jumps": facts.jumps,
        "jumpMs": facts.jump_ms,
        "skipped": list(facts.skipped),
    }


def _track_json(facts: TrackFacts) -> dict[str, object]:
    track = facts.track
    common = {
        "kind": track.kind.value,
        "number": facts.number,
        "coding": None if facts.coding is None else facts.coding.value,
        "codec": track.codec,
        "bitrate": facts.bitrate,
    }
    if track.kind is MediaKind.AUDIO:
        return {**common, "sampleRate": track.sample_rate, "channels": track.channels}
    numerator, denominator = track.frame_rate
    return {
        **common,
        "profile": facts.profile,
        "width": track.width,
        "height": track.height,
        "frameRate": facts.frames_per_1000_s / 1000,
        "frameRateDeclared": numerator / denominator if numerator else None,
        "unevenPercent": facts.uneven_percent,
        "keyframeMs": facts.keyframe_ms,
        "keyframeMsMax": facts.keyframe_ms_max,
        "keyframeMsOpen": facts.keyframe_ms_open,
        "keyframesUnusable": facts.keyframes_unusable,
        "bFrames": facts.b_frames,
    }
