"""Keeps findings from coming and going: what is told has lasted, and so has what is taken back."""

from collections.abc import Sequence

from ingest.preflight_finding import Finding

_TOLD_AFTER = 2
"""Judgements in a row that have to agree before something new is told."""

_DROPPED_AFTER = 3
"""Judgements in a row without it before it is taken back."""


class Steady:
    """The findings to tell, by those of one judgement after the other.

    The first judgement is told at once: it rests on seconds of its own.
    """

    def __init__(self) -> None:
        self._told: dict[str, Finding] = {}
        self._seen: dict[str, int] = {}
        self._missed: dict[str, int] = {}
        self._is_first = True

    def judged(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """What to tell now; words are those of the latest judgement that had the finding."""
        now = {one.code: one for one in findings}
        self._seen = {code: self._seen.get(code, 0) + 1 for code in now}
        self._missed = {code: self._missed.get(code, 0) + 1 for code in self._told.keys() - now}
        told = {
            code: one
            for code, one in now.items()
            if self._is_first or code in self._told or self._seen[code] >= _TOLD_AFTER
        }
        kept = {
            code: one
            for code, one in self._told.items()
            if code not in now and self._missed[code] < _DROPPED_AFTER
        }
        self._told, self._is_first = told | kept, False
        return tuple(self._told.values())
