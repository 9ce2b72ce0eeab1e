"""Metrics as Prometheus reads them."""

from config.telemetry import Growth, counter, gauge, grow, render


def test_metrics_carry_our_prefix_and_are_rendered_together() -> None:
    counter("test_things_total", "Things", ("kind",)).labels("a").inc(2)
    gauge("test_level", "Level").set(7)
    text = render().decode()
    assert 'tollcast_test_things_total{kind="a"} 2.0' in text
    assert "tollcast_test_level 7.0" in text
    assert "process_resident_memory_bytes" in text


def test_what_grew_in_one_process_is_counted_in_another() -> None:
    plain = counter("test_grown_total", "Grown")
    labelled = counter("test_grown_kinds_total", "Grown", ("kind", "size"))
    growth = Growth()
    growth.take()
    plain.inc(2)
    labelled.labels("a", "big").inc()
    grown = growth.take()
    assert set(grown) == {
        ("test_grown_total", (), 2.0),
        ("test_grown_kinds_total", ("a", "big"), 1.0),
    }
    assert growth.take() == ()
    for name, labels, amount in grown:
        grow(name, labels, amount)
    grow("unheard_of_total", (), 1.0)
    text = render().decode()
    assert "tollcast_test_grown_total 4.0" in text
    assert 'tollcast_test_grown_kinds_total{kind="a",size="big"} 2.0' in text
