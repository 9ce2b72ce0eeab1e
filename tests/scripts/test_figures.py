"""The lines that benchmarks print."""

import pytest

from scripts.bench.__main__ import main
from scripts.bench.figures import Figure, Skipped


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (Figure("meter", "ticks_per_s", 52345.6, 50000, at_most=False), "52346 bar=50000 ok"),
        (
            Figure("meter", "ticks_per_s", 49999, 50000, at_most=False),
            "49999 bar=50000 falls short",
        ),
        (Figure("meter", "ticks_per_s", 12.3456, 12.3456, at_most=True), "12.35 bar=12.35 ok"),
        (Figure("meter", "ticks_per_s", 0.00001234, 0, at_most=True), "=0.000012 bar=0 falls"),
    ],
)
def test_a_figure_is_one_line_with_its_bar(figure: Figure, line: str) -> None:
    assert line in figure.line()
    assert figure.line().startswith("bench meter: ticks_per_s=")


def test_what_was_not_measured_does_not_fall_short() -> None:
    skipped = Skipped("ladder", "speed", "no encoder")
    assert skipped.ok
    assert skipped.line() == "bench ladder: speed skipped: no encoder"


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "no benchmark nonsense; there are:" in capsys.readouterr().err
