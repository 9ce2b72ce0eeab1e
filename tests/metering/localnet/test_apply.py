"""What operations do, and the codes of the ones that fail."""

import pytest
from stellar_sdk import (
    Asset,
    BumpSequence,
    ChangeTrust,
    CreateAccount,
    Inflation,
    Keypair,
    ManageData,
    Operation,
    Payment,
    SetOptions,
    Signer,
)
from stellar_sdk.operation.set_options import AuthorizationFlag

from tests.metering.localnet.town import XLM, Town


@pytest.fixture
def town() -> Town:
    return Town("ana", "ben", "issuer")


def usd(town: Town) -> Asset:
    return Asset("USD", town.address("issuer"))


def failed(*operations: str) -> tuple[str, ...]:
    return ("tx_failed", *operations)


SUCCESS = ("tx_success", "op_success")


def test_lumens_move_and_the_source_pays_the_fee(town: Town) -> None:
    assert town.run("ana", town.pay("ben", "12.0000001")) == SUCCESS
    assert town.account("ana").balance == 1000 * XLM - 120_000_001 - 100
    assert town.account("ben").balance == 1000 * XLM + 120_000_001


def test_a_payment_to_oneself_costs_the_fee_only(town: Town) -> None:
    assert town.run("ana", town.pay("ana", "999999")) == SUCCESS
    assert town.account("ana").balance == 1000 * XLM - 100


def test_a_payment_to_nobody_fails(town: Town) -> None:
    assert town.run("ana", town.pay(Keypair.random().public_key)) == failed("op_no_destination")


def test_the_reserve_cannot_be_spent(town: Town) -> None:
    spendable = 1000 * XLM - 100 - 2 * 5_000_000
    over = f"{(spendable + 1) // XLM}.{(spendable + 1) % XLM:07d}"
    assert town.run("ana", town.pay("ben", over)) == failed("op_underfunded")
    exact = f"{(spendable - 100) // XLM}.{(spendable - 100) % XLM:07d}"
    assert town.run("ana", town.pay("ben", exact)) == SUCCESS
    assert town.account("ana").balance == 10_000_000


def test_one_failing_operation_undoes_all_but_fee_and_sequence(town: Town) -> None:
    before = town.account("ana")
    operations = (town.pay("ben"), town.pay(Keypair.random().public_key), town.pay("issuer"))
    assert town.run("ana", *operations) == failed("op_success", "op_no_destination", "op_success")
    after = town.account("ana")
    assert after.balance == before.balance - 300
    assert after.sequence == before.sequence + 1
    assert town.account("ben").balance == 1000 * XLM


def test_later_operations_see_what_earlier_ones_did(town: Town) -> None:
    new = Keypair.random()
    town.keys["new"] = new
    operations = (
        CreateAccount(destination=new.public_key, starting_balance="5"),
        town.pay("new", "2.5"),
    )
    assert town.run("ana", *operations) == ("tx_success", "op_success", "op_success")
    assert town.account("new").balance == 75_000_000
    assert town.account("new").sequence == town.account("new").modified << 32


@pytest.mark.parametrize(
    ("destination", "lumens", "code"),
    [
        ("ben", "5", "op_already_exists"),
        (None, "0.9999999", "op_low_reserve"),
        (None, "5000", "op_underfunded"),
    ],
)
def test_accounts_that_cannot_be_created(
    town: Town, destination: str | None, lumens: str, code: str
) -> None:
    address = town.address(destination) if destination else Keypair.random().public_key
    creation = CreateAccount(destination=address, starting_balance=lumens)
    assert town.run("ana", creation) == failed(code)


def test_an_asset_needs_trust_and_respects_its_limit(town: Town) -> None:
    asset = usd(town)
    assert town.run("issuer", town.pay("ana", "5", asset)) == failed("op_no_trust")
    assert town.run("ana", ChangeTrust(asset, limit="7")) == SUCCESS
    assert town.account("ana").subentries == 1
    assert town.run("issuer", town.pay("ana", "7.0000001", asset)) == failed("op_line_full")
    assert town.run("issuer", town.pay("ana", "7", asset)) == SUCCESS
    assert town.run("issuer", town.pay("ana", "0.0000001", asset)) == failed("op_line_full")
    line = town.network._entries.trust_line(town.address("ana"), f"USD:{asset.issuer}")
    assert line is not None
    assert line.balance == 7 * XLM
    assert town.run("ana", town.pay("ben", "1", asset)) == failed("op_no_trust")
    assert town.run("ben", town.pay("ana", "1", asset)) == failed("op_line_full")
    assert town.run("ana", town.pay("issuer", "8", asset)) == failed("op_underfunded")
    assert town.run("ana", town.pay("issuer", "2", asset)) == SUCCESS
    assert town.run("ben", town.pay("ana", "1", asset)) == failed("op_src_no_trust")


@pytest.mark.parametrize(
    ("limit", "code"),
    [("0", "op_invalid_limit"), ("5", "op_success")],
)
def test_a_trust_line_begins_with_a_limit(town: Town, limit: str, code: str) -> None:
    assert town.run("ana", ChangeTrust(usd(town), limit=limit))[-1] == code


def test_a_trust_line_ends_when_it_is_empty(town: Town) -> None:
    asset = usd(town)
    town.run("ana", ChangeTrust(asset, limit="9"))
    town.run("issuer", town.pay("ana", "3", asset))
    assert town.run("ana", ChangeTrust(asset, limit="0")) == failed("op_invalid_limit")
    assert town.run("ana", ChangeTrust(asset, limit="2")) == failed("op_invalid_limit")
    town.run("ana", town.pay("issuer", "3", asset))
    assert town.run("ana", ChangeTrust(asset, limit="0")) == SUCCESS
    assert town.account("ana").subentries == 0
    assert town.network._entries.trust_line(town.address("ana"), f"USD:{asset.issuer}") is None


def test_trust_needs_an_issuer_and_a_reserve(town: Town) -> None:
    nobody = Asset("USD", Keypair.random().public_key)
    assert town.run("ana", ChangeTrust(nobody)) == failed("op_no_issuer")
    town.create("poor", lumens="1.0001")
    assert town.run("poor", ChangeTrust(usd(town))) == failed("op_low_reserve")


def test_data_is_kept_and_removed(town: Town) -> None:
    assert town.run("ana", ManageData("greeting", b"hello")) == SUCCESS
    assert town.run("ana", ManageData("greeting", b"bye")) == SUCCESS
    assert town.account("ana").subentries == 1
    assert [e.value for e in town.network.owned_by(town.address("ana"))] == [b"bye"]  # type: ignore[union-attr]
    assert town.run("ana", ManageData("greeting", None)) == SUCCESS
    assert town.account("ana").subentries == 0
    assert town.run("ana", ManageData("greeting", None)) == failed("op_name_not_found")


def test_a_sequence_number_can_be_raised_and_not_lowered(town: Town) -> None:
    high = town.account("ana").sequence + 100
    assert town.run("ana", BumpSequence(bump_to=high)) == SUCCESS
    assert town.account("ana").sequence == high
    assert town.run("ana", BumpSequence(bump_to=5)) == SUCCESS
    assert town.account("ana").sequence == high + 1


def test_signers_and_options_are_set(town: Town) -> None:
    signer = Signer.ed25519_public_key(town.address("ben"), 3)
    options = SetOptions(med_threshold=2, home_domain="ana.example", signer=signer)
    assert town.run("ana", options) == SUCCESS
    account = town.account("ana")
    assert account.thresholds == (0, 2, 0)
    assert account.home_domain == b"ana.example"
    assert account.signers == ((town.address("ben"), 3),)
    assert account.subentries == 1
    gone = SetOptions(signer=Signer.ed25519_public_key(town.address("ben"), 0))
    assert town.outcome(town.build("ana", gone, signers=("ana",))) == SUCCESS
    assert town.account("ana").subentries == 0


def test_a_signer_needs_a_reserve(town: Town) -> None:
    town.create("poor", lumens="1.0001")
    signer = SetOptions(signer=Signer.ed25519_public_key(town.address("ben"), 1))
    assert town.run("poor", signer) == failed("op_low_reserve")


def test_twenty_signers_are_the_most(town: Town) -> None:
    for some in range(2):
        keys = [Keypair.random().public_key for _ in range(10)]
        signers = [SetOptions(signer=Signer.ed25519_public_key(key, 1)) for key in keys]
        assert town.run("ana", *signers)[0] == "tx_success", some
    one_more = SetOptions(signer=Signer.ed25519_public_key(Keypair.random().public_key, 1))
    assert town.run("ana", one_more) == failed("op_too_many_signers")


REFUSED = "ERROR"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (SetOptions(low_threshold=256), "op_threshold_out_of_range"),
        (
            SetOptions(set_flags=AuthorizationFlag.AUTHORIZATION_CLAWBACK_ENABLED),
            "op_not_supported",
        ),
        (SetOptions(set_flags=AuthorizationFlag(16)), "op_unknown_flag"),
        (
            SetOptions(set_flags=AuthorizationFlag(3), clear_flags=AuthorizationFlag(1)),
            "op_bad_flags",
        ),
        (SetOptions(signer=Signer.sha256_hash(b"\1" * 32, 1)), "op_not_supported"),
        (Inflation(), "op_not_supported"),
        (ManageData("tab\there", b""), "op_invalid_name"),
        (ChangeTrust(Asset.native()), "op_malformed"),
    ],
)
def test_what_can_never_succeed_is_not_even_accepted(
    town: Town, operation: Operation, code: str
) -> None:
    assert town.run("ana", operation) == (REFUSED, "tx_failed", code)
    assert town.account("ana").balance == 1000 * XLM


def test_a_payment_of_nothing_is_malformed(town: Town) -> None:
    assert town.run("ana", town.pay("ben", "0")) == (REFUSED, "tx_failed", "op_malformed")


def test_trust_in_oneself_is_malformed(town: Town) -> None:
    own = ChangeTrust(Asset("USD", town.address("ana")))
    assert town.run("ana", own) == (REFUSED, "tx_failed", "op_malformed")


def test_an_operation_may_have_a_source_of_its_own(town: Town) -> None:
    payment = Payment(
        destination=town.address("ana"),
        asset=Asset.native(),
        amount="10",
        source=town.address("ben"),
    )
    envelope = town.build("ana", payment, signers=("ana", "ben"))
    assert town.outcome(envelope) == SUCCESS
    assert town.account("ben").balance == 990 * XLM
    assert town.account("ana").balance == 1010 * XLM - 100


def test_an_operation_of_an_account_that_does_not_exist_fails(town: Town) -> None:
    town.keys["ghost"] = Keypair.random()
    payment = Payment(
        destination=town.address("ana"),
        asset=Asset.native(),
        amount="10",
        source=town.address("ghost"),
    )
    envelope = town.build("ana", payment, signers=("ana", "ghost"))
    assert town.outcome(envelope) == failed("op_no_source_account")
