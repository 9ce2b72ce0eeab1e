"""Keeps findings from coming and going: what passes by itself has to last before it is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.limits import PREFLIGHT_GONE_MS, PREFLIGHT_LASTING_MS
from ingest.preflight_finding import Finding

# What a network or a busy computer does for a moment. How an encoder is set stays as it is.
_PASSING = frozenset(
    {
        "arrives_in_bursts",
        "bitrate_low",
        "bitrate_too_high",
        "bitrate_unstable",
        "frame_rate_differs",
        "frame_rate_unstable",
        "sound_apart",
        "too_fast",
        "too_slow_upload",
    }
)


@dataclass(slots=True)
class _Spell:
    """The time for which a passing finding has been there; `told` since the report says so."""

    finding: Finding
    since_ms: int
    last_ms: int
    told: bool


class Steady:
    """The findings to tell, by those of one judgement after the other.

    The first judgement is told at once: it rests on seconds of its own.
    """

    def __init__(self) -> None:
        self._spells: dict[str, _Spell] = {}
        self._is_first = True

    def judged(self, findings: Sequence[Finding], now_ms: int) -> list[Finding]:
        """What to tell now; words are those of the latest judgement that had the finding."""
        for finding in findings:
            if finding.code in _PASSING:
                self._note(finding, now_ms)
        self._is_first = False
        for code, spell in list(self._spells.items()):
            kept_ms = PREFLIGHT_GONE_MS if spell.told else 0
            if now_ms - spell.last_ms > kept_ms:
                del self._spells[code]
        told = [finding for finding in findings if finding.code not in _PASSING]
        return told + [spell.finding for spell in self._spells.values() if spell.told]

    def _note(self, finding: Finding, now_ms: int) -> None:
        spell = self._spells.get(finding.code)
        if spell is None:
            spell = _Spell(finding, now_ms, now_ms, told=self._is_first)
            self._spells[finding.code] = spell
        spell.finding, spell.last_ms = finding, now_ms
        spell.told = spell.told or now_ms - spell.since_ms >= PREFLIGHT_LASTING_MS
