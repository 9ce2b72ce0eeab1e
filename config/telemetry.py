"""Metrics: declared next to where they are counted, rendered from one registry."""

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_PREFIX = "tollcast_"

# From half a millisecond to ten seconds.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_registry = CollectorRegistry()
ProcessCollector(registry=_registry)


def counter(name: str, description: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows. `name` without prefix, ending in `_total`.

    Labels have few values: names of routes and reasons, never ids of viewers.
    """
    return Counter(_PREFIX + name, description, labels, registry=_registry)


def gauge(name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
    """A number that goes up and down."""
    return Gauge(_PREFIX + name, description, labels, registry=_registry)


def histogram(
    name: str,
    description: str,
    labels: Sequence[str] = (),
    buckets: Sequence[float] = _SECONDS,
) -> Histogram:
    """How a value is spread. The default buckets are seconds; say so in the name."""
    return Histogram(_PREFIX + name, description, labels, registry=_registry, buckets=buckets)


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(_registry)
