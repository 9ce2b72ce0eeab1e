"""Metrics as Prometheus reads them."""

from config.telemetry import counter, gauge, histogram, render


def test_metrics_carry_our_prefix_and_are_rendered_together() -> None:
    counter("test_things_total", "Things", ("kind",)).labels("a").inc(2)
    gauge("test_level", "Level").set(7)
    histogram("test_wait_seconds", "Wait").observe(0.2)
    text = render().decode()
    assert 'tollcast_test_things_total{kind="a"} 2.0' in text
    assert "tollcast_test_level 7.0" in text
    assert 'tollcast_test_wait_seconds_bucket{le="0.25"} 1.0' in text
    assert "process_resident_memory_bytes" in text
