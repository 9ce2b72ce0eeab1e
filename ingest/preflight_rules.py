"""What is wrong with a publication: its figures to findings."""

from collections.abc import Callable, Iterable

from ingest.preflight_facts import Facts
from ingest.preflight_finding import Finding, Severity, bits, seconds
from ingest.preflight_video import judge_video
from media.units import Coding

# Within a few seconds, the moment of the last packet alone is worth a percent or two.
_SPEED_PERCENT_MIN, _SPEED_PERCENT_MAX = 90, 125
_BURST_MS_MAX = 1_500
# Players wait for the later of the two, and a segment ends when both are there.
_SOUND_LATE_MS_MAX = 1_000
# Cheap clocks are wrong by 100 parts in a million, 6 ms a minute; ten times that is another fault.
_DRIFT_MS_PER_MINUTE_MAX = 60
# A second with a keyframe of a still picture has about twice the average.
_PEAK_FACTOR = 3
_PEAK_BITRATE_MIN = 1_000_000
# A third of what was announced: more than a quiet scene lets an encoder save.
_LOW_FACTOR = 3

_SOUND_NAMES = {
    Coding.OPUS: "Opus",
    Coding.FLAC: "FLAC",
    Coding.AC3: "AC-3",
    Coding.EAC3: "E-AC-3",
    Coding.MP3: "MP3",
}
# What a track that is one too many is called, whatever its coding.
_FURTHER = ("audio track ", "video track ")
_WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.ADVICE, Severity.INFO)


def judge(facts: Facts) -> tuple[Finding, ...]:
    """What its publisher should know; each code once, of its first track."""
    found: dict[str, Finding] = {}
    for track in facts.videos:
        for finding in judge_video(track):
            found.setdefault(finding.code, finding)
    for rule in _RULES:
        finding_or_none = rule(facts)
        if finding_or_none is not None:
            found[finding_or_none.code] = finding_or_none
    return tuple(found.values())


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings as they are to be read."""
    return tuple(sorted(findings, key=lambda one: _WORST_FIRST.index(one.severity)))


def _missing(facts: Facts) -> Finding | None:
    if not facts.tracks:
        return Finding(
            "nothing_usable",
            Severity.ERROR,
            "Neither picture nor sound has come that can be used.",
            "Choose H.264 and AAC encoders in OBS, Settings, Output, and start again.",
        )
    if not facts.videos:
        return Finding(
            "video_missing",
            Severity.ADVICE,
            "Only sound comes.",
            "If there should be a picture, see whether the scene in OBS shows one.",
        )
    if not any(one.packets for one in facts.sounds):
        return Finding(
            "sound_missing",
            Severity.ADVICE,
            "No sound comes.",
            "If there should be sound, see the Audio Mixer in OBS, and Audio Track in Settings, "
            "Output.",
        )
    return None


def _sound_coding(facts: Facts) -> Finding | None:
    for sound in facts.sounds[:1]:
        name = _SOUND_NAMES.get(sound.coding) if sound.coding else None
        if name is not None:
            return Finding(
                "sound_transcoded",
                Severity.INFO,
                f"{name} does not play everywhere: your sound is made into AAC here.",
                "Choose an AAC encoder in OBS, Settings, Output, and it is heard as it is.",
            )
    return None


def _sounds_to_choose(facts: Facts) -> Finding | None:
    heard = [sound for sound in facts.sounds if sound.packets][:1]
    heard += [each for each in facts.sounds if each.coding is Coding.AAC and each not in heard]
    if len(heard) < 2:
        return None
    return Finding(
        "sounds_to_choose",
        Severity.INFO,
        f"{len(heard)} tracks of sound come: viewers can choose, and hear the first by default.",
        "Leave out what is not for viewers, such as OBS's Twitch VOD Track.",
    )


def _sounds_left_out(facts: Facts) -> Finding | None:
    others = [each for each in facts.sounds[1:] if each.packets and each.coding is not Coding.AAC]
    if not others:
        return None
    name = _SOUND_NAMES.get(others[0].coding, "") if others[0].coding else others[0].track.codec
    return Finding(
        "sounds_left_out",
        Severity.WARNING,
        f"Sound track {others[0].number} comes in {name} and is left out: only the first track is "
        "made into AAC here.",
        "Choose an AAC encoder in OBS, Settings, Output, for all tracks.",
    )


def _further_tracks(facts: Facts) -> Finding | None:
    further = [what for what in facts.skipped if what.startswith(_FURTHER)]
    if not further:
        return None
    return Finding(
        "further_tracks",
        Severity.INFO,
        f"More tracks come than viewers are given, and are left out: {', '.join(further)}.",
        "Nothing has to be done if they are meant for others, as OBS's Twitch VOD Track is.",
    )


def _skipped(facts: Facts) -> Finding | None:
    skipped = [what for what in facts.skipped if not what.startswith(_FURTHER)]
    if not skipped:
        return None
    return Finding(
        "track_skipped",
        Severity.WARNING,
        f"Something comes that cannot be used and is left out: {', '.join(skipped)}.",
        "Choose H.264 and AAC encoders in OBS, Settings, Output.",
    )


def _speed(facts: Facts) -> Finding | None:
    percent = facts.speed_percent
    if percent is None or _SPEED_PERCENT_MIN <= percent <= _SPEED_PERCENT_MAX:
        return None
    if percent < _SPEED_PERCENT_MIN:
        return Finding(
            "too_slow_upload",
            Severity.ERROR,
            f"In ten seconds only {seconds(percent * 100)} of your stream arrive: viewers will "
            "wait again and again.",
            "The connection or the computer is too slow for it. Set a lower Bitrate or a faster "
            "preset in OBS, Settings, Output; a cable does better than Wi-Fi.",
        )
    return Finding(
        "too_fast",
        Severity.WARNING,
        f"In ten seconds {seconds(percent * 100)} of your stream arrive: it is sent faster than "
        "it plays.",
        "Send it at its own speed: with ffmpeg, put -re before -i. Or upload the file in the "
        "studio.",
    )


def _bursts(facts: Facts) -> Finding | None:
    if facts.burst_ms <= _BURST_MS_MAX or _speed(facts) is not None:
        return None
    return Finding(
        "arrives_in_bursts",
        Severity.WARNING,
        f"Your stream comes in bursts: up to {seconds(facts.burst_ms)} of it are late at times.",
        "The connection stalls. Use a cable rather than Wi-Fi, or set a lower Bitrate in OBS, "
        "Settings, Output.",
    )


def _interleaving(facts: Facts) -> Finding | None:
    late_ms = facts.sound_late_ms
    if late_ms is None or abs(late_ms) <= _SOUND_LATE_MS_MAX:
        return None
    first, second = ("sound", "picture") if late_ms > 0 else ("picture", "sound")
    return Finding(
        "sound_apart",
        Severity.ADVICE,
        f"The {first} comes {seconds(abs(late_ms))} after the {second} that belongs to it.",
        "See Sync Offset in OBS, Advanced Audio Properties; with ffmpeg, leave out -itsoffset.",
    )


def _drift(facts: Facts) -> Finding | None:
    drift_ms = facts.drift_ms_per_minute
    if drift_ms is None or abs(drift_ms) <= _DRIFT_MS_PER_MINUTE_MAX:
        return None
    pace = "fast" if drift_ms > 0 else "slow"
    return Finding(
        "clock_drift",
        Severity.WARNING,
        f"Your encoder's clock runs {pace}, by {abs(drift_ms)} ms in each minute.",
        "Set Sample Rate in OBS, Settings, Audio, to that of your sound card, 48 kHz if in doubt, "
        "and use the clock of one device only.",
    )


def _jumps(facts: Facts) -> Finding | None:
    if facts.jumps == 0:
        return None
    times = "once" if facts.jumps == 1 else f"{facts.jumps} times"
    return Finding(
        "timestamps_jump",
        Severity.WARNING,
        f"The clock of your stream jumped {times} in the last minute, by up to "
        f"{seconds(facts.jump_ms)}.",
        "Restart the stream. If it happens again, update the encoder, or leave out the input "
        "that loops or restarts.",
    )


def _bitrate(facts: Facts) -> Finding | None:
    if facts.speed_percent is None:  # too little has come to speak of an average
        return None
    if facts.bitrate_peak > max(facts.bitrate * _PEAK_FACTOR, _PEAK_BITRATE_MIN):
        return Finding(
            "bitrate_unstable",
            Severity.ADVICE,
            f"Your stream takes {bits(facts.bitrate)} and at times {bits(facts.bitrate_peak)}.",
            "Set Rate Control to CBR in OBS, Settings, Output.",
        )
    if facts.bitrate * _LOW_FACTOR >= facts.bitrate_declared:
        return None
    return Finding(
        "bitrate_low",
        Severity.INFO,
        f"{bits(facts.bitrate)} arrive, and {bits(facts.bitrate_declared)} are announced.",
        "That is fine while the picture stands still. When it moves, the connection is too slow: "
        "set a lower Bitrate in OBS, Settings, Output.",
    )


_RULES: tuple[Callable[[Facts], Finding | None], ...] = (
    _missing,
    _skipped,
    _further_tracks,
    _sounds_to_choose,
    _sounds_left_out,
    _speed,
    _bursts,
    _interleaving,
    _drift,
    _jumps,
    _bitrate,
    _sound_coding,
)
