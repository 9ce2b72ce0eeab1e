"""What is signed, read back by the SDK."""

from dataclasses import replace
from decimal import Decimal

import pytest
from stellar_sdk import (
    Asset,
    Claimant,
    ClaimClaimableBalance,
    CreateAccount,
    CreateClaimableBalance,
    FeeBumpTransactionEnvelope,
    HashMemo,
    IdMemo,
    Keypair,
    MuxedAccount,
    Network,
    TextMemo,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk import Payment as PaymentOperation
from stellar_sdk import xdr as stellar_xdr

from metering.money import STROOPS_MAX, Stroops
from metering.settlement import statement
from metering.settlement.outbox import Kind, Payment, Settlement
from metering.settlement.strkey import BadAddress
from metering.settlement.transaction import (
    BadMemo,
    Slot,
    build,
    build_bump,
    claimable_id,
    memo_xdr,
)

HOT, CHANNEL, ANA, ISSUER = (Keypair.random() for _ in range(4))
SLOT = Slot(CHANNEL.public_key, 77, 1_700_000_120)
PASSPHRASE = Network.TESTNET_NETWORK_PASSPHRASE


def payment(
    amount: int = 5, address: str = ANA.public_key, kind: Kind = Kind.PAYOUT, **rest: object
) -> Payment:
    made = Payment("pay_1", "ana", address, Stroops(amount), "creator:ana:XLM", kind)
    return replace(made, **rest)  # type: ignore[arg-type]  # named as its fields


def stroops(amount: str) -> int:
    return int(Decimal(amount) * 10**7)


def settlement(*payments: Payment, asset: str = "XLM") -> Settlement:
    return Settlement("set_1", asset, SLOT.source, 700, payments, 0)


def read(planned: Settlement) -> TransactionEnvelope:
    """Built, signed by both, and read by the SDK, which hashes it anew."""
    unsigned = build(planned, SLOT, HOT.public_key, PASSPHRASE)
    keys = (CHANNEL, HOT)
    signatures = {key.raw_public_key(): key.sign(unsigned.hash) for key in keys}
    envelope = TransactionEnvelope.from_xdr(unsigned.signed(signatures), PASSPHRASE)
    assert envelope.to_xdr() == unsigned.signed(signatures)
    assert envelope.hash() == unsigned.hash
    for key, signature in zip(keys, envelope.signatures, strict=True):
        assert signature.signature_hint == key.signature_hint()
        key.verify(envelope.hash(), signature.signature)
    return envelope


def test_a_transaction_says_what_was_planned() -> None:
    muxed = MuxedAccount(ANA.public_key, 2**63 + 5).account_muxed
    assert muxed is not None
    planned = settlement(payment(1), payment(STROOPS_MAX, muxed, Kind.WITHDRAWAL))
    transaction = read(planned).transaction
    assert transaction.source.account_id == CHANNEL.public_key
    assert (transaction.sequence, transaction.fee) == (77, 700)
    assert transaction.preconditions is not None
    assert transaction.preconditions.time_bounds is not None
    assert transaction.preconditions.time_bounds.max_time == SLOT.max_time
    root = statement.root(statement.leaves(planned))
    assert transaction.memo == HashMemo(root)
    first, second = transaction.operations
    assert isinstance(first, PaymentOperation)
    assert isinstance(second, PaymentOperation)
    assert (first.destination.account_id, stroops(first.amount)) == (ANA.public_key, 1)
    assert second.destination.account_muxed == muxed
    assert stroops(second.amount) == STROOPS_MAX
    for operation in (first, second):
        assert operation.asset.is_native()
        assert operation.source is not None
        assert operation.source.account_id == HOT.public_key


@pytest.mark.parametrize("code", ["USD", "USDC", "EURCOIN", "TWELVELETTER"])
def test_an_issuers_asset_is_paid_or_left_to_be_claimed(code: str) -> None:
    planned = settlement(
        payment(7), payment(8, claimable=True), asset=f"{code}:{ISSUER.public_key}"
    )
    paid, left = read(planned).transaction.operations
    assert isinstance(paid, PaymentOperation)
    assert paid.asset == Asset(code, ISSUER.public_key)
    assert isinstance(left, CreateClaimableBalance)
    assert (left.asset, stroops(left.amount)) == (Asset(code, ISSUER.public_key), 8)
    payee, ours = left.claimants
    assert payee.destination == ANA.public_key
    assert payee.predicate == Claimant(ANA.public_key).predicate
    assert ours.destination == HOT.public_key
    [never_before] = [ours.predicate.not_predicate]
    assert never_before is not None
    assert never_before.rel_before == 90 * 86_400


def test_the_id_of_what_is_to_be_claimed_is_known_before_it_is_there() -> None:
    planned = settlement(payment(7), payment(8, claimable=True))
    expected = read(planned).transaction.get_claimable_balance_id(1)
    assert claimable_id(SLOT, 1) == expected


def test_accounts_of_our_own_are_made_and_what_nobody_claimed_is_taken_back() -> None:
    balance = claimable_id(SLOT, 0)
    opened = payment(50_000_000, kind=Kind.OPEN)
    planned = settlement(opened, payment(5, balance, Kind.RECLAIM))
    made, taken = read(planned).transaction.operations
    assert isinstance(made, CreateAccount)
    assert (made.destination, stroops(made.starting_balance)) == (ANA.public_key, 50_000_000)
    assert isinstance(taken, ClaimClaimableBalance)
    assert taken.balance_id == balance


@pytest.mark.parametrize(
    ("memo", "expected"),
    [
        ("id:18446744073709551615", IdMemo(2**64 - 1)),
        ("text:", TextMemo("")),
        ("text:invoice 7", TextMemo("invoice 7")),
        ("text:" + "ö" * 14, TextMemo("ö" * 14)),
    ],
)
def test_a_payee_who_needs_a_memo_is_paid_alone(memo: str, expected: IdMemo | TextMemo) -> None:
    assert read(settlement(payment(memo=memo))).transaction.memo == expected


@pytest.mark.parametrize(
    "memo", ["id:18446744073709551616", "id:-1", "id:", "text:" + "x" * 29, ""]
)
def test_a_memo_that_no_transaction_has_is_refused(memo: str) -> None:
    with pytest.raises(BadMemo):
        memo_xdr(settlement(payment(memo=memo)))


def test_what_has_no_address_is_refused() -> None:
    with pytest.raises(BadAddress):
        read(settlement(payment(address="GNOBODY")))


def test_a_higher_bid_has_the_same_transaction_in_it() -> None:
    inner = read(settlement(payment()))
    unsigned = build_bump(inner.to_xdr(), 7_000, HOT.public_key, PASSPHRASE)
    bump = unsigned.signed({HOT.raw_public_key(): HOT.sign(unsigned.hash)})
    envelope = FeeBumpTransactionEnvelope.from_xdr(bump, PASSPHRASE)
    assert envelope.hash() == unsigned.hash
    assert envelope.transaction.fee_source.account_id == HOT.public_key
    assert envelope.transaction.fee == 7_000
    assert envelope.transaction.inner_transaction_envelope.to_xdr() == inner.to_xdr()
    theirs = TransactionBuilder.build_fee_bump_transaction(HOT, 3_500, inner, PASSPHRASE)
    theirs.sign(HOT)
    assert theirs.to_xdr() == bump


def test_a_transaction_of_100_payments_is_read_by_the_protocols_own_types() -> None:
    planned = settlement(*(payment(number + 1) for number in range(100)))
    unsigned = build(planned, SLOT, HOT.public_key, PASSPHRASE)
    envelope = stellar_xdr.TransactionEnvelope.from_xdr(unsigned.signed({}))
    assert envelope.v1 is not None
    assert len(envelope.v1.tx.operations) == 100
