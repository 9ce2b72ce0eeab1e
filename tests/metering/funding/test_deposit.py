"""What a payment is to us is told by what is on it, and never guessed."""

import pytest

from metering.funding.deposit import Booking, Kind, Reason, book, network_name, numbers_of
from metering.settlement.feed import ChainPayment
from tests.metering.funding.payments import (
    CHANNEL,
    DEPOSIT,
    FRIENDBOT,
    HOT,
    ISSUER,
    PASSPHRASE,
    USDC,
    WALLET,
    address,
    paid,
    rules,
)

ANA, BEN = 7, 2**63 - 1
OWNERS = {ANA: "acc_ana", BEN: "acc_ben"}
OTHER_ISSUER = f"USDC:{address('another issuer')}"


def moved(booking: Booking) -> tuple[str, str, str] | None:
    transfer = booking.transfer
    return None if transfer is None else (transfer.debit, transfer.credit, transfer.cause)


@pytest.mark.parametrize(
    ("payment", "credit"),
    [
        (paid(1, number=ANA), "viewer:acc_ana:XLM"),
        (paid(1, memo=BEN), "viewer:acc_ben:XLM"),
        (paid(1, number=ANA, memo=ANA), "viewer:acc_ana:XLM"),
        (paid(1, number=ANA, asset=USDC), f"viewer:acc_ana:{USDC}"),
        (paid(1, 1_000, number=ANA), "viewer:acc_ana:XLM"),
        (paid(1, number=ANA, source=FRIENDBOT), "viewer:acc_ana:XLM"),
        # The issuer pays out of nothing (it makes its asset by paying it).
        (paid(1, memo=ANA, asset=USDC, source=ISSUER), f"viewer:acc_ana:{USDC}"),
    ],
)
def test_who_is_named_gets_it(payment: ChainPayment, credit: str) -> None:
    booking = book(payment, rules(), OWNERS)
    assert (booking.kind, booking.reason) == (Kind.DEPOSIT, None)
    assert moved(booking) == (f"chain:hot:{payment.asset}", credit, "deposit")
    assert booking.account == credit.split(":")[1]
    assert booking.transfer is not None
    assert booking.transfer.id == f"deposit:{network_name(PASSPHRASE)}:{payment.id}"


@pytest.mark.parametrize(
    ("payment", "reason"),
    [
        (paid(1), Reason.NO_NUMBER),
        (paid(1, number=8), Reason.UNKNOWN_NUMBER),
        (paid(1, memo=0), Reason.UNKNOWN_NUMBER),
        (paid(1, memo=2**64 - 1), Reason.UNKNOWN_NUMBER),
        (paid(1, number=ANA, memo=BEN), Reason.TWO_NUMBERS),
        (paid(1, number=ANA, asset=OTHER_ISSUER), Reason.OTHER_ASSET),
        (paid(1, 999, number=ANA), Reason.BELOW_MINIMUM),
        (paid(1, number=ANA, source=CHANNEL), Reason.OWN_ACCOUNT),
        # Friendbot's money is play money, but not of every kind.
        (paid(1, memo=8, source=FRIENDBOT), Reason.UNKNOWN_NUMBER),
        (paid(1, source=FRIENDBOT, asset=USDC), Reason.NO_NUMBER),
    ],
)
def test_what_nobody_is_named_for_waits_with_the_reason(
    payment: ChainPayment, reason: Reason
) -> None:
    booking = book(payment, rules(), OWNERS)
    assert (booking.kind, booking.reason, booking.account) == (Kind.SUSPENSE, reason, None)
    suspense = f"suspense:{payment.asset}"
    assert moved(booking) == (f"chain:hot:{payment.asset}", suspense, "suspense")


def test_play_money_goes_to_the_treasury() -> None:
    booking = book(paid(1, source=FRIENDBOT), rules(), OWNERS)
    assert booking.kind is Kind.GIFT
    assert moved(booking) == ("chain:hot:XLM", "treasury:XLM", "play_money")


@pytest.mark.parametrize(
    "payment",
    [
        paid(1, source=HOT, destination=WALLET),
        paid(1, source=HOT, destination=CHANNEL),
        paid(1, source=HOT, destination=HOT, number=ANA),
        paid(1, source=f"B{'A' * 57}"),
        paid(1, source=DEPOSIT, destination=WALLET),
    ],
)
def test_what_we_sent_ourselves_is_booked_where_it_was_sent(payment: ChainPayment) -> None:
    booking = book(payment, rules(deposit=DEPOSIT), OWNERS)
    assert (booking.kind, booking.transfer) == (Kind.KNOWN, None)


def test_the_operator_moves_deposits_to_where_they_are_paid_out_from() -> None:
    elsewhere = rules(deposit=DEPOSIT)
    assert moved(book(paid(1, number=ANA, destination=DEPOSIT), elsewhere, OWNERS)) == (
        "chain:deposit:XLM",
        "viewer:acc_ana:XLM",
        "deposit",
    )
    swept = book(paid(2, source=DEPOSIT), elsewhere, OWNERS)
    assert moved(swept) == ("chain:hot:XLM", "chain:deposit:XLM", "moved")
    # A payout to a creator who gave our own address has left the books already.
    back = book(paid(3, source=HOT, destination=DEPOSIT), elsewhere, OWNERS)
    assert (back.kind, back.reason) == (Kind.SUSPENSE, Reason.OWN_ACCOUNT)
    assert moved(back) == ("chain:deposit:XLM", "suspense:XLM", "suspense")


def test_whose_numbers_have_to_be_known() -> None:
    payments = [paid(1), paid(2, number=1), paid(3, memo=2), paid(4, number=3, memo=4)]
    assert numbers_of(payments) == {1, 2}
