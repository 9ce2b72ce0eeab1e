"""Amounts are exact in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.money import (
    STROOPS_MAX,
    BadAmount,
    BadAsset,
    asset_code,
    checked_asset,
    format_amount,
    parse_amount,
)


@pytest.mark.parametrize(
    ("stroops", "text"),
    [
        (0, "0.0000000"),
        (1, "0.0000001"),
        (1388, "0.0001388"),
        (5_000_000, "0.5000000"),
        (10_000_000, "1.0000000"),
        (STROOPS_MAX, "922337203685.4775807"),
        (-15_000_000, "-1.5000000"),
    ],
)
def test_an_amount_is_written_with_seven_places(stroops: int, text: str) -> None:
    assert format_amount(stroops) == text


@pytest.mark.parametrize(("text", "stroops"), [("0", 0), ("12", 120_000_000), ("0.5", 5_000_000)])
def test_fewer_places_may_be_read(text: str, stroops: int) -> None:
    assert parse_amount(text) == stroops


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".5",
        "1.",
        "01",
        "-1",
        "+1",
        "1e3",
        " 1",
        "1\n",
        "1,5",
        "1.00000001",
        "٣",
        "nan",
        "922337203685.4775808",
        "9999999999999",
    ],
)
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text)


@given(st.integers(0, STROOPS_MAX))
def test_what_was_written_reads_back_the_same(stroops: int) -> None:
    assert parse_amount(format_amount(stroops)) == stroops


ISSUER = "GADQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOZPI"


@pytest.mark.parametrize(
    "asset",
    [
        "",
        "TOOLONGANASSET",
        "XLM:GA",
        "x y",
        "€",
        f"USDC:{ISSUER[:-1]}",
        f"USDC:{ISSUER}:{ISSUER}",
        f"USDC:{ISSUER.replace('Z', 'X')}",  # mistyped: the checksum says so
        f":{ISSUER}",
        f"USDC:S{ISSUER[1:]}",
    ],
)
def test_only_assets_pass(asset: str) -> None:
    assert checked_asset("USDC") == "USDC"
    assert checked_asset(f"USDC:{ISSUER}") == f"USDC:{ISSUER}"
    assert asset_code(f"USDC:{ISSUER}") == "USDC"
    with pytest.raises(BadAsset):
        checked_asset(asset)
