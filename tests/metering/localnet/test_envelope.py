"""Envelopes as clients send them: read right, or refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stellar_sdk import (
    Account,
    Asset,
    ChangeTrust,
    Inflation,
    LedgerBounds,
    LiquidityPoolAsset,
    MuxedAccount,
    Payment,
    TimeBounds,
    TransactionBuilder,
)

from metering.localnet.envelope import MalformedEnvelope, read_envelope
from metering.localnet.operation import Payment as ReadPayment
from metering.localnet.operation import Unsupported
from tests.metering.localnet.town import PASSPHRASE, Town


@pytest.fixture
def town() -> Town:
    return Town("ana", "ben")


def test_hash_and_content_are_those_of_the_sdk(town: Town) -> None:
    envelope = town.build("ana", town.pay("ben", "1.5"), times=(5, 9), fee=123)
    read = read_envelope(envelope.to_xdr(), PASSPHRASE)
    assert read.hash == envelope.hash()
    assert read.xdr == envelope.to_xdr()
    assert read.fee == 123
    assert (read.transaction.conditions.min_time, read.transaction.conditions.max_time) == (5, 9)
    assert read.transaction.operations == (
        ReadPayment(town.address("ana"), town.address("ben"), "native", 15_000_000),
    )
    assert read.operations_charged == 1


def test_a_fee_bump_has_a_hash_of_its_own(town: Town) -> None:
    inner = town.build("ana", town.pay("ben"))
    bump = town.bump("ben", inner, 200)
    read = read_envelope(bump.to_xdr(), PASSPHRASE)
    assert read.hash == bump.hash()
    assert read.transaction.hash == inner.hash()
    assert read.fee_source == town.address("ben")
    assert (read.fee, read.operations_charged) == (400, 2)


def test_a_transaction_of_version_0_is_read_as_what_was_signed(town: Town) -> None:
    builder = TransactionBuilder(
        Account(town.address("ana"), 7), PASSPHRASE, base_fee=100, v1=False
    )
    builder.operations = [town.pay("ben")]
    builder.add_time_bounds(3, 4)
    envelope = builder.build()
    envelope.sign(town.keys["ana"])
    read = read_envelope(envelope.to_xdr(), PASSPHRASE)
    assert read.hash == envelope.hash()
    assert read.transaction.conditions.max_time == 4


def test_a_multiplexed_account_is_the_account_behind_it(town: Town) -> None:
    muxed = MuxedAccount(town.address("ben"), 42)
    payment = Payment(destination=muxed, asset=Asset.native(), amount="1")
    read = read_envelope(town.build("ana", payment).to_xdr(), PASSPHRASE)
    [operation] = read.transaction.operations
    assert isinstance(operation, ReadPayment)
    assert operation.destination == town.address("ben")


def test_conditions_of_the_second_version_are_read(town: Town) -> None:
    builder = TransactionBuilder(Account(town.address("ana"), 7), PASSPHRASE, base_fee=100)
    builder.operations = [town.pay("ben")]
    builder.time_bounds = TimeBounds(1, 2)
    builder.ledger_bounds = LedgerBounds(3, 4)
    builder.min_sequence_number = 5
    conditions = read_envelope(builder.build().to_xdr(), PASSPHRASE).transaction.conditions
    assert (conditions.min_time, conditions.max_time) == (1, 2)
    assert (conditions.min_ledger, conditions.max_ledger) == (3, 4)
    assert conditions.min_sequence == 5
    assert not conditions.unsupported
    builder.min_sequence_age = 1
    conditions = read_envelope(builder.build().to_xdr(), PASSPHRASE).transaction.conditions
    assert conditions.unsupported


def test_operations_that_the_network_does_not_have_are_read_as_such(town: Town) -> None:
    read = read_envelope(town.build("ana", Inflation()).to_xdr(), PASSPHRASE)
    assert read.transaction.operations == (Unsupported(town.address("ana"), "INFLATION"),)


def test_pool_shares_are_refused(town: Town) -> None:
    pool = LiquidityPoolAsset(Asset.native(), Asset("USD", town.address("ben")))
    with pytest.raises(MalformedEnvelope):
        read_envelope(town.build("ana", ChangeTrust(pool)).to_xdr(), PASSPHRASE)


@pytest.mark.parametrize("text", ["", "?", "AAAA", "not base64!", "AAAAAgAAAAA=", "\u2603"])
def test_what_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(MalformedEnvelope):
        read_envelope(text, PASSPHRASE)


_SAMPLE = Town("ana", "ben")
_BYTES = base64.b64decode(_SAMPLE.build("ana", _SAMPLE.pay("ben")).to_xdr())


@given(st.integers(0, len(_BYTES) - 1), st.integers(0, 255), st.integers(0, len(_BYTES)))
def test_damaged_envelopes_are_read_or_refused_and_nothing_else(
    place: int, value: int, length: int
) -> None:
    damaged = bytearray(_BYTES)
    damaged[place] = value
    for text in (base64.b64encode(damaged), base64.b64encode(damaged[:length])):
        try:
            read_envelope(text.decode(), PASSPHRASE)
        except MalformedEnvelope:
            continue


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        read_envelope(base64.b64encode(noise).decode(), PASSPHRASE)
