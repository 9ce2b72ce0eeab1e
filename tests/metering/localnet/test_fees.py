"""Fee statistics."""

from metering.localnet.fees import distribution


def test_without_transactions_everything_is_the_base_fee() -> None:
    assert set(distribution([]).values()) == {"100"}


def test_percentiles_are_fees_that_were_paid() -> None:
    figures = distribution([100] * 70 + [200] * 20 + [5_000] * 10)
    assert figures["min"] == figures["p10"] == figures["p60"] == figures["mode"] == "100"
    assert figures["p70"] == figures["p80"] == "200"
    assert figures["p90"] == figures["p99"] == figures["max"] == "5000"


def test_order_does_not_matter() -> None:
    assert distribution([3, 1, 2]) == distribution([1, 2, 3])
