"""Who may submit what: signatures, sequence numbers, time, fees."""

import pytest
from stellar_sdk import CreateAccount, Keypair, ManageData, SetOptions, Signer

from metering.localnet.network import Status
from tests.metering.localnet.town import CLOSE_MS, START_MS, XLM, Town

SUCCESS = ("tx_success", "op_success")


@pytest.fixture
def town() -> Town:
    return Town("ana", "ben", "cy")


def refused(*codes: str) -> tuple[str, ...]:
    return ("ERROR", *codes)


def now(town: Town) -> int:
    return town.now_ms // 1000


@pytest.mark.parametrize("step", [-1, 0, 2, 50])
def test_the_sequence_number_has_to_be_the_next(town: Town, step: int) -> None:
    sequence = town.account("ana").sequence + step
    envelope = town.build("ana", town.pay("ben"), sequence=sequence)
    assert town.outcome(envelope) == refused("tx_bad_seq")


def test_an_applied_transaction_cannot_come_again(town: Town) -> None:
    envelope = town.build("ana", town.pay("ben"))
    assert town.outcome(envelope) == SUCCESS
    assert town.outcome(envelope) == refused("tx_bad_seq")
    assert town.result(envelope) == SUCCESS


def test_a_failed_transaction_cannot_come_again(town: Town) -> None:
    envelope = town.build("ana", town.pay(Keypair.random().public_key))
    assert town.outcome(envelope) == ("tx_failed", "op_no_destination")
    assert town.outcome(envelope) == refused("tx_bad_seq")


def test_time_bounds_are_kept(town: Town) -> None:
    early = town.build("ana", town.pay("ben"), times=(now(town) + 60, 0))
    assert town.outcome(early) == refused("tx_too_early")
    late = town.build("ana", town.pay("ben"), times=(0, now(town) - 1))
    assert town.outcome(late) == refused("tx_too_late")
    good = town.build("ana", town.pay("ben"), times=(now(town), now(town) + 60))
    assert town.outcome(good) == SUCCESS


def test_what_became_too_late_while_it_waited_is_dropped(town: Town) -> None:
    envelope = town.build("ana", town.pay("ben"), times=(0, now(town) + 2))
    assert town.submit(envelope, late_ledgers=3) == (Status.PENDING, ())
    for _ in range(6):
        town.close()
    assert town.network.transaction(envelope.hash_hex()) is None
    assert town.submit(envelope) == (Status.ERROR, ("tx_too_late",))
    assert town.account("ana").balance == 1000 * XLM


def test_a_signature_of_somebody_else_is_not_enough(town: Town) -> None:
    payment = town.pay("ben")
    assert town.outcome(town.build("ana", payment, signers=())) == refused("tx_bad_auth")
    assert town.outcome(town.build("ana", payment, signers=("ben",))) == refused("tx_bad_auth")


def test_a_signature_that_nothing_needs_is_one_too_many(town: Town) -> None:
    envelope = town.build("ana", town.pay("ben"), signers=("ana", "cy"))
    assert town.outcome(envelope) == refused("tx_bad_auth_extra")


def test_a_signature_for_another_network_is_none(town: Town) -> None:
    envelope = town.build("ana", town.pay("ben"), passphrase="Another Network")
    assert town.outcome(envelope) == refused("tx_bad_auth")


def test_an_operation_needs_its_own_source_to_sign(town: Town) -> None:
    payment = town.pay("ana")
    payment.source = town.build("ben", payment).transaction.source
    envelope = town.build("ana", town.pay("ben"), payment)
    assert town.outcome(envelope) == refused("tx_failed", "op_success", "op_bad_auth")


def test_weights_are_added_up_to_the_threshold_of_the_operation(town: Town) -> None:
    """Method: ana asks for weight 2 to pay and 3 to change that; she, ben and cy weigh 1 each."""
    signers = [
        SetOptions(signer=Signer.ed25519_public_key(town.address(name), 1))
        for name in ("ben", "cy")
    ]
    thresholds = SetOptions(low_threshold=1, med_threshold=2, high_threshold=3)
    assert town.run("ana", *signers, thresholds)[0] == "tx_success"
    alone = town.build("ana", town.pay("ben"))
    assert town.outcome(alone) == refused("tx_failed", "op_bad_auth")
    others = town.build("ana", town.pay("ben"), signers=("ben", "cy"))
    assert town.outcome(others) == SUCCESS
    change = SetOptions(high_threshold=1)
    two = town.build("ana", change, signers=("ana", "ben"))
    assert town.outcome(two) == refused("tx_failed", "op_bad_auth")
    three = town.build("ana", change, signers=("ana", "ben", "cy"))
    assert town.outcome(three) == SUCCESS


def test_a_master_key_without_weight_signs_nothing(town: Town) -> None:
    signer = Signer.ed25519_public_key(town.address("ben"), 1)
    assert town.run("ana", SetOptions(master_weight=0, signer=signer)) == SUCCESS
    assert town.outcome(town.build("ana", town.pay("cy"))) == refused("tx_bad_auth")
    assert town.outcome(town.build("ana", town.pay("cy"), signers=("ben",))) == SUCCESS


def test_an_account_that_does_not_exist_submits_nothing(town: Town) -> None:
    town.keys["ghost"] = Keypair.random()
    envelope = town.build("ghost", town.pay("ana"), sequence=1)
    assert town.outcome(envelope) == refused("tx_no_source_account")


def test_the_fee_is_at_least_the_base_fee_for_each_operation(town: Town) -> None:
    low = town.build("ana", town.pay("ben"), town.pay("cy"), fee=199)
    assert town.outcome(low) == refused("tx_insufficient_fee")


def test_the_fee_has_to_be_there_beside_the_reserve(town: Town) -> None:
    town.create("poor", lumens="1")
    assert town.outcome(town.build("poor", ManageData("a", None))) == refused(
        "tx_insufficient_balance"
    )


def test_a_transaction_does_something(town: Town) -> None:
    assert town.outcome(town.build("ana", fee=100)) == refused("tx_missing_operation")


def test_a_hundred_operations_are_the_most(town: Town) -> None:
    payments = [town.pay("ben", "0.0000001") for _ in range(100)]
    assert town.run("ana", *payments) == ("tx_success", *["op_success"] * 100)


def test_an_account_may_be_created_and_act_in_one_transaction(town: Town) -> None:
    town.keys["new"] = Keypair.random()
    act = ManageData("first", b"word", source=town.address("new"))
    create = CreateAccount(destination=town.address("new"), starting_balance="2")
    envelope = town.build("ana", create, act, signers=("ana", "new"))
    assert town.outcome(envelope) == ("tx_success", "op_success", "op_success")


def test_one_transaction_of_an_account_waits_at_a_time(town: Town) -> None:
    first, second = (town.build("ana", town.pay("ben", amount)) for amount in ("1", "2"))
    assert town.submit(first) == (Status.PENDING, ())
    assert town.submit(first) == (Status.DUPLICATE, ())
    assert town.submit(second) == (Status.TRY_AGAIN_LATER, ())
    town.close()
    assert town.submit(second) == (Status.ERROR, ("tx_bad_seq",))


def test_a_sponsor_pays_the_fee(town: Town) -> None:
    inner = town.build("ana", town.pay("ben"), fee=0)
    envelope = town.bump("cy", inner, 200)
    assert town.outcome(envelope) == (
        "tx_fee_bump_inner_success",
        "tx_success",
        "op_success",
    )
    assert town.account("ana").balance == 999 * XLM
    assert town.account("cy").balance == 1000 * XLM - 200
    assert town.network.transaction(inner.hash_hex()) is not None


def test_a_sponsored_transaction_fails_as_such(town: Town) -> None:
    inner = town.build("ana", town.pay(Keypair.random().public_key))
    assert town.outcome(town.bump("cy", inner, 100)) == (
        "tx_fee_bump_inner_failed",
        "tx_failed",
        "op_no_destination",
    )
    unsigned = town.build("ben", town.pay("cy"), signers=())
    assert town.outcome(town.bump("cy", unsigned, 100)) == refused(
        "tx_fee_bump_inner_failed", "tx_bad_auth"
    )


def test_a_sponsor_has_to_sign_and_to_have_the_fee(town: Town) -> None:
    unsigned = town.bump("cy", town.build("ana", town.pay("ben")), 100)
    unsigned.signatures.clear()
    assert town.outcome(unsigned) == refused("tx_bad_auth")
    twice = town.bump("cy", town.build("ana", town.pay("ben")), 100)
    twice.sign(town.keys["ben"])
    assert town.outcome(twice) == refused("tx_bad_auth_extra")
    town.create("poor", lumens="1")
    poor = town.bump("poor", town.build("ana", town.pay("ben")), 100)
    assert town.outcome(poor) == refused("tx_insufficient_balance")
    town.keys["ghost"] = Keypair.random()
    ghost = town.bump("ghost", town.build("ana", town.pay("ben")), 100)
    assert town.outcome(ghost) == refused("tx_no_source_account")


def test_a_bump_replaces_what_waits_only_at_ten_times_its_rate(town: Town) -> None:
    inner = town.build("ana", town.pay("ben"))
    assert town.submit(inner) == (Status.PENDING, ())
    assert town.submit(town.bump("cy", inner, 999)) == (Status.TRY_AGAIN_LATER, ())
    bump = town.bump("cy", inner, 1000)
    assert town.submit(bump) == (Status.PENDING, ())
    closing = town.close()
    assert closing is not None
    assert [record.hash for record in closing.records] == [bump.hash_hex()]
    assert town.account("ben").balance == 1001 * XLM, "paid once"


def test_a_bump_below_the_rate_it_wraps_is_refused(town: Town) -> None:
    inner = town.build("ana", town.pay("ben"), fee=500)
    bump = town.bump("cy", inner, 500)
    bump.transaction.fee = 999
    bump.signatures.clear()
    bump.sign(town.keys["cy"])
    assert town.outcome(bump) == refused("tx_insufficient_fee")


def test_time_is_that_of_the_ledger_that_takes_it(town: Town) -> None:
    assert START_MS % CLOSE_MS == 0
    last = town.build("ana", town.pay("ben"), times=(0, now(town) + 1))
    assert town.outcome(last) == SUCCESS, "closing exactly at its bound is in time"
