"""Metrics: declared next to where they are counted, rendered from one registry."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    generate_latest,
)

_PREFIX = "tollcast_"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_registry = CollectorRegistry()
_adding: list[Callable[[], None]] = []
_counters: dict[str, Counter] = {}
ProcessCollector(registry=_registry)


def counter(name: str, description: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows. `name` without prefix, ending in `_total`.

    Labels have few values: names of routes and reasons, never ids of viewers.
    """
    made = Counter(_PREFIX + name, description, labels, registry=_registry)
    _counters[name] = made
    return made


def gauge(name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
    """A number that goes up and down."""
    return Gauge(_PREFIX + name, description, labels, registry=_registry)


def before_rendering(add: Callable[[], None]) -> None:
    """Have what is counted elsewhere added to the metrics whenever somebody looks at them."""
    _adding.append(add)


def add_up() -> None:
    """Bring all metrics up to date."""
    for add in _adding:
        add()


def grow(name: str, labels: Sequence[str], amount: float) -> None:
    """Count here what a process counted that has no `/metrics`; what only it has is not kept."""
    counted = _counters.get(name)
    if counted is not None:
        (counted.labels(*labels) if labels else counted).inc(amount)


class Growth:
    """By how much the counters of this process have grown since it was asked last."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, tuple[str, ...]], float] = {}

    def take(self) -> tuple[tuple[str, tuple[str, ...], float], ...]:
        """Name, values of labels and amount of each that has; as `grow` takes them."""
        add_up()
        grown = []
        for name, labels, value in _values():
            amount = value - self._told.get((name, labels), 0)
            if amount > 0:
                self._told[name, labels] = value
                grown.append((name, labels, amount))
        return tuple(grown)


def _values() -> Iterator[tuple[str, tuple[str, ...], float]]:
    for name, counted in _counters.items():
        for metric in counted.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    yield name, tuple(sample.labels.values()), sample.value


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    add_up()
    return generate_latest(_registry)
