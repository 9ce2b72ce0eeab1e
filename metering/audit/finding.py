"""What looking at one rule came to."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a rule stands."""

    OK = "ok"
    VIOLATED = "VIOLATED"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, and how it stands.

    Attributes:
        rule: its short name: I1 to I15 as the invariants are numbered, J for the journal's chain.
        title: what it says.
        state: what was looked at; or the first violation; or why it cannot be checked here.
        violations: how many were found.
    """

    rule: str
    title: str
    verdict: Verdict
    state: str
    violations: int = 0


class Check:
    """Gathers what is seen of one rule: how many cases, how many violations, and the first one."""

    def __init__(self, rule: str, title: str, cases: str) -> None:
        """`cases` says what is counted, e.g. `sessions`."""
        self._rule = rule
        self._title = title
        self._cases = cases
        self._seen = 0
        self._violations = 0
        self._first = ""

    def saw(self, cases: int = 1) -> None:
        self._seen += cases

    def violated(self, what: str, times: int = 1) -> None:
        """Count violations; `what` names the first of them, as exactly as possible."""
        self._first = self._first or what
        self._violations += times

    def require(self, *, holds: bool, otherwise: str) -> None:
        if not holds:
            self.violated(otherwise)

    def finding(self, remark: str = "") -> Finding:
        """How the rule stands; `remark` is added where it is well."""
        if self._violations:
            return Finding(self._rule, self._title, Verdict.VIOLATED, self._first, self._violations)
        state = f"{self._cases}: {self._seen:,}"
        return Finding(
            self._rule, self._title, Verdict.OK, f"{state}; {remark}" if remark else state
        )


def unchecked(rule: str, title: str, reason: str) -> Finding:
    """A rule that the database alone says nothing about."""
    return Finding(rule, title, Verdict.UNCHECKED, reason)
