"""What a benchmark measured, next to the bar it has to pass."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value."""

    bench: str
    metric: str  # with its unit last, e.g. `tick_p99_ms`
    value: float
    bar: float
    at_most: bool  # whether the bar is a ceiling; else it is a floor

    @property
    def ok(self) -> bool:
        """Whether the value passes the bar."""
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def line(self) -> str:
        """One line for people and for `grep`."""
        verdict = "ok" if self.ok else "falls short"
        return (
            f"bench {self.bench}: {self.metric}={_number(self.value)} "
            f"bar={_number(self.bar)} {verdict}"
        )


@dataclass(frozen=True, slots=True)
class Skipped:
    """A value that could not be measured here."""

    bench: str
    metric: str
    reason: str

    @property
    def ok(self) -> bool:
        """Nothing was measured, so nothing fell short."""
        return True

    def line(self) -> str:
        """One line for people and for `grep`."""
        return f"bench {self.bench}: {self.metric} skipped: {self.reason}"


def _number(value: float) -> str:
    """Four significant digits, and never an exponent."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:.0f}"
    text = f"{value:.4g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if "e" in text else text
