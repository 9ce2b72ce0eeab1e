"""Addresses are read and written as the SDK does, and a mistyped one is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stellar_sdk import Keypair, MuxedAccount

from metering.funding.address import (
    NUMBER_MAX,
    BadAddress,
    Destination,
    muxed_address,
    read_destination,
)

# The examples of SEP-23.
ACCOUNT = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
MUXED = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ"
LARGE = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK"


def test_the_examples_of_the_standard() -> None:
    assert muxed_address(ACCOUNT, 0) == MUXED
    assert muxed_address(ACCOUNT, 9_223_372_036_854_775_808) == LARGE
    assert read_destination(MUXED) == Destination(ACCOUNT, 0)
    assert read_destination(ACCOUNT) == Destination(ACCOUNT)
    assert read_destination(LARGE).text == LARGE


@given(st.binary(min_size=32, max_size=32), st.integers(0, NUMBER_MAX))
def test_as_the_sdk_has_it(seed: bytes, number: int) -> None:
    account = Keypair.from_raw_ed25519_seed(seed).public_key
    muxed = muxed_address(account, number)
    assert muxed == MuxedAccount(account, number).account_muxed
    assert read_destination(muxed) == Destination(account, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ACCOUNT.lower(),
        ACCOUNT[:-1] + "A",
        ACCOUNT + "=",
        MUXED[:-1],
        # SEP-23, invalid: an algorithm byte, a length, bits that no byte has, another letter.
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUR",
        "GAAAAAAAACGC6",
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLKA",
        "XBU2RRGLXH3E5CQHTD3ODLDF2BWDCYUSSBLLZ5GNW7JXHDIYKXZWHOKR",
        "S" + ACCOUNT[1:],
        "Ä" * 56,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        read_destination(text)


def test_a_muxed_address_has_no_owners_of_its_own() -> None:
    with pytest.raises(BadAddress):
        muxed_address(MUXED, 1)
    with pytest.raises(ValueError, match="64 bits"):
        muxed_address(ACCOUNT, NUMBER_MAX + 1)
