"""Who has to agree to a call, and what counts as agreeing."""

import pytest
from stellar_sdk import InvokeHostFunction, Keypair, SetOptions, Signer
from stellar_sdk.auth import authorize_entry
from stellar_sdk.xdr import (
    LedgerEntryType,
    LedgerKey,
    LedgerKeyTrustLine,
    SCVal,
    TrustLineAsset,
)

from metering.localnet.xdr_values import account_id, trust_line_asset
from tests.metering.localnet.contracts.contract_town import LUMENS, Auth, ContractTown, Failed
from tests.metering.localnet.town import PASSPHRASE, XLM

DONE = ("tx_success", "op_success")
TRAPPED = ("tx_failed", "function_trapped")


@pytest.fixture
def town() -> ContractTown:
    return ContractTown("ana", "ben", "eve")


def transfer(town: ContractTown, amount: int = XLM) -> InvokeHostFunction:
    """Ana pays Ben, whoever sends the transaction."""
    return town.operation(LUMENS, "transfer", "ana", "ben", amount)


def unsigned(town: ContractTown) -> Auth:
    """The authorization that Eve needs of Ana to send that."""
    answer = town.simulate(town.build("eve", transfer(town)))
    results = answer["results"]
    assert isinstance(results, list)
    (entry,) = results[0]["auth"]
    return Auth.from_xdr(entry)


def sent_by_eve(town: ContractTown, entry: Auth, amount: int = XLM) -> tuple[str, ...]:
    """What becomes of the transfer with that authorization.

    Its footprint is one that fits, so that nothing but the authorization can be wrong.
    """
    operation = transfer(town)
    operation.auth = [town.signed(entry, ("ana",), ledgers=50)]
    fitting = town.prepared("eve", operation).transaction
    operation = transfer(town, amount)
    operation.auth = [entry]
    envelope = town.build("eve", operation, signers=(), fee=fitting.fee)
    envelope.transaction.soroban_data = fitting.soroban_data
    envelope.sign(town.keys["eve"])
    return town.outcome(envelope)


def test_a_signed_entry_is_good_for_its_call_and_for_one_time(town: ContractTown) -> None:
    entry = town.signed(unsigned(town), ("ana",))
    assert sent_by_eve(town, entry, amount=2 * XLM) == TRAPPED
    before = town.account("ana").balance
    operation = transfer(town)
    operation.auth = [entry]
    assert town.outcome(town.prepared("eve", operation)) == DONE
    assert town.account("ana").balance == before - XLM, "who sends pays the fee"
    again = transfer(town)
    again.auth = [entry]
    with pytest.raises(Failed, match=r"Error\(Auth, ExistingValue\)"):
        town.prepared("eve", again)


def test_it_has_to_be_signed_by_whom_it_asks_for_and_in_time(town: ContractTown) -> None:
    entry = unsigned(town)
    assert sent_by_eve(town, entry) == TRAPPED
    last = town.network.latest(town.now_ms).sequence + 100
    forged = authorize_entry(entry, town.keys["eve"], last, PASSPHRASE)
    assert sent_by_eve(town, forged) == TRAPPED
    elsewhere = authorize_entry(entry, town.keys["ana"], last, "Another Network")
    assert sent_by_eve(town, elsewhere) == TRAPPED
    tampered = town.signed(entry, ("ana",))
    assert tampered.credentials.address is not None
    tampered.credentials.address.signature_expiration_ledger.uint32 += 1
    assert sent_by_eve(town, tampered) == TRAPPED
    late = town.signed(entry, ("ana",), ledgers=1)
    town.close(2)
    assert sent_by_eve(town, late) == TRAPPED
    endless = town.signed(entry, ("ana",), ledgers=4_000_000)
    assert sent_by_eve(town, endless) == TRAPPED
    assert sent_by_eve(town, town.signed(entry, ("ana",))) == DONE


def test_an_account_of_several_signers_needs_weight_for_its_medium_threshold(
    town: ContractTown,
) -> None:
    other = Keypair.random()
    town.keys["other"] = other
    shared = SetOptions(med_threshold=2, signer=Signer.ed25519_public_key(other.public_key, 1))
    assert town.run("ana", shared) == DONE
    entry = unsigned(town)
    alone = town.signed(entry, ("ana",), ledgers=200)
    both = town.signed(entry, ("ana",), ledgers=200)
    assert both.credentials.address is not None
    last = both.credentials.address.signature_expiration_ledger.uint32
    (mine,) = signatures(alone)
    signed = authorize_entry(entry, other, last, PASSPHRASE)
    (theirs,) = signatures(signed)
    ordered = sorted((mine, theirs), key=lambda item: item.to_xdr_bytes())
    vector = both.credentials.address.signature.vec
    assert vector is not None
    operation, short = transfer(town), transfer(town)
    operation.auth, short.auth = [both], [alone]
    with pytest.raises(Failed, match="weight is too low"):
        town.prepared("eve", short)
    vector.sc_vec = ordered[::-1]
    with pytest.raises(Failed, match="not ordered"):
        town.prepared("eve", operation)
    vector.sc_vec = ordered
    assert town.outcome(town.prepared("eve", operation)) == DONE


def test_a_call_below_is_agreed_to_with_the_one_above(town: ContractTown) -> None:
    """Two agreements, each with a root of its own, are not one to a call and what is below it."""
    channel = town.open("ana", "ben", Keypair.random(), XLM, 5)
    operation = town.operation(channel, "top_up", XLM)
    whole = town.prepared("eve", operation, ("ana",))
    (entry,) = operation.auth
    below = entry.root_invocation.sub_invocations
    parts = [Auth.from_xdr(entry.to_xdr()) for _ in range(2)]
    parts[0].root_invocation.sub_invocations = []
    parts[1].root_invocation = below[0]
    assert parts[1].credentials.address is not None
    parts[1].credentials.address.nonce.int64 += 1
    last = town.network.latest(town.now_ms).sequence + 100
    split = town.operation(channel, "top_up", XLM)
    split.auth = [authorize_entry(part, town.keys["ana"], last, PASSPHRASE) for part in parts]
    with pytest.raises(Failed, match="Unauthorized function call"):
        town.prepared("eve", split)
    assert town.outcome(whole) == DONE


def test_a_call_is_alone_in_its_transaction_and_pays_for_what_it_declares(
    town: ContractTown,
) -> None:
    bare = town.build("ana", transfer(town), fee=100_000)
    assert town.outcome(bare) == ("ERROR", "tx_soroban_invalid")
    for change in ("cheap", "footprint", "read only", "crowd"):
        envelope = town.prepared("ana", transfer(town))
        data = envelope.transaction.soroban_data
        assert data is not None
        envelope.signatures = []
        if change == "cheap":
            data.resource_fee.int64 //= 2
        elif change == "footprint":
            data.resources.footprint.read_write.pop()
        elif change == "read only":
            footprint = data.resources.footprint
            footprint.read_only.append(footprint.read_write.pop())
        else:
            envelope.transaction.operations *= 2
            envelope.transaction.fee += 100
        envelope.sign(town.keys["ana"])
        is_tried = change in ("footprint", "read only")
        expected = TRAPPED if is_tried else ("ERROR", "tx_soroban_invalid")
        assert town.outcome(envelope) == expected, change
    paid = town.prepared("ana", transfer(town))
    assert town.outcome(paid) == DONE
    record = town.network.transaction(paid.hash_hex())
    assert record is not None
    assert record.fee_charged == paid.transaction.fee > 10_000
    assert town.network.read(town.now_ms).fees[-1] == 100, "what it bid, without its resources"
    plain = town.build("ana", town.pay("ben"))
    assert town.outcome(plain) == DONE


def test_a_simulation_says_what_is_missing(town: ContractTown) -> None:
    envelope = town.build("ana", town.pay("ben"))
    assert town.simulate(envelope)["error"] == "Transaction contains unsupported operation type"
    operation = transfer(town)
    operation.auth = [town.signed(unsigned(town), ("ana",))]
    envelope = town.build("eve", operation)
    assert "cannot record" in str(town.simulate(envelope, authMode="record")["error"])
    enforced = town.simulate(town.build("eve", transfer(town)), authMode="enforce")
    assert str(enforced["error"]).startswith("HostError: Error(Auth, InvalidAction)")


def signatures(entry: Auth) -> list[SCVal]:
    assert entry.credentials.address is not None
    vector = entry.credentials.address.signature.vec
    assert vector is not None
    return list(vector.sc_vec)


def test_values_that_nothing_here_takes_fail_a_call_and_not_the_network(
    town: ContractTown,
) -> None:
    """XDR can name assets by bytes that are no text: in what is called, and in a footprint."""
    envelope = town.prepared("ana", transfer(town))
    data = envelope.transaction.soroban_data
    assert data is not None
    issuer = town.address("ben")
    text = trust_line_asset(f"ODD:{issuer}").to_xdr_bytes()
    asset = TrustLineAsset.from_xdr_bytes(text.replace(b"ODD", b"\xff\xfe\xfd"))
    line = LedgerKeyTrustLine(account_id(town.address("ana")), asset)
    odd = LedgerKey(LedgerEntryType.TRUSTLINE, trust_line=line)
    data.resources.footprint.read_only.append(odd)
    data.resource_fee.int64 *= 2
    envelope.transaction.fee *= 2
    envelope.signatures = []
    envelope.sign(town.keys["ana"])
    assert town.outcome(envelope) == ("tx_failed", "op_malformed")
