"""Fee statistics, in the shapes of Stellar RPC and Horizon."""

from collections import Counter
from collections.abc import Sequence

from metering.localnet.validity import BASE_FEE

_PERCENTILES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)


def distribution(fees: Sequence[int]) -> dict[str, str]:
    """Percentiles (nearest rank) of fees per operation; the base fee when there were none."""
    ordered = sorted(fees) or [BASE_FEE]
    last = len(ordered) - 1
    figures = {
        "max": ordered[-1],
        "min": ordered[0],
        "mode": Counter(ordered).most_common(1)[0][0],
        **{f"p{p}": ordered[min(last, p * len(ordered) // 100)] for p in _PERCENTILES},
    }
    return {name: str(figure) for name, figure in figures.items()}
