"""How many requests were refused, for the operator."""

from config.telemetry import counter

_refused = counter("metering_refused_total", "Requests for media that were refused", ["reason"])


def counted[E: Exception](refusal: E) -> E:
    """A refusal, of which the operator is told how many there were."""
    _refused.labels(type(refusal).__name__).inc()
    return refusal
