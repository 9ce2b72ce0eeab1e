"""The contract of an asset: accounts and contracts hold, send and lend it."""

from dataclasses import replace
from pathlib import Path

import pytest
from stellar_sdk import (
    Account,
    Address,
    Asset,
    ChangeTrust,
    InvokeHostFunction,
    Keypair,
    MuxedAccount,
    SetOptions,
    SetTrustLineFlags,
    TransactionBuilder,
    TrustLineFlags,
    scval,
)
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.operation.set_options import AuthorizationFlag

from metering.localnet.network import LocalNetwork, NetworkState
from metering.localnet.rpc import Rpc
from metering.localnet.state_file import StateFile
from tests.metering.localnet.contracts.contract_town import LUMENS, ContractTown, Failed
from tests.metering.localnet.town import PASSPHRASE, XLM


@pytest.fixture
def town() -> ContractTown:
    return ContractTown("ana", "ben", "eve", "issuer")


def dollar(town: ContractTown) -> tuple[Asset, str]:
    """An asset that Ana and Ben trust, of which Ana has 100; and the contract that it was given."""
    asset = Asset("DOLLAR", town.address("issuer"))
    for name in ("ana", "ben"):
        town.run(name, ChangeTrust(asset, limit="150"))
    town.run("issuer", town.pay("ana", "100", asset))
    builder = TransactionBuilder(Account(town.address("eve"), 0), PASSPHRASE)
    builder.append_create_stellar_asset_contract_from_asset_op(asset)
    operation = builder.operations[0]
    assert isinstance(operation, InvokeHostFunction)
    made = town.applied(town.prepared("eve", operation))
    return asset, str(getattr(made, "address", ""))


def refusal(town: ContractTown, who: str, contract: str, name: str, *arguments: object) -> str:
    with pytest.raises(Failed) as caught:
        town.call(who, contract, name, *arguments)  # type: ignore[arg-type]
    return str(caught.value).splitlines()[0].removeprefix("HostError: ")


def test_its_address_is_the_networks_and_lumens_have_it_from_the_start(town: ContractTown) -> None:
    asset, contract = dollar(town)
    assert contract == asset.contract_id(PASSPHRASE)
    told = [town.asked(contract, name) for name in ("name", "symbol", "decimals")]
    assert told == [f"DOLLAR:{town.address('issuer')}", "DOLLAR", 7]
    assert town.asked(LUMENS, "name") == "native"
    assert town.asked(contract, "balance", "ana") == 100 * XLM
    assert town.asked(LUMENS, "balance", "ben") == 1000 * XLM - 100
    with pytest.raises(Failed, match="MissingValue"):
        town.asked(Asset("EURO", town.address("issuer")).contract_id(PASSPHRASE), "name")


def test_lumens_go_where_a_payment_would_take_them(town: ContractTown) -> None:
    assert town.call("ana", LUMENS, "transfer", "ana", "ben", 5 * XLM) is None
    assert town.account("ben").balance == 1005 * XLM
    assert town.events() == [("transfer", 5 * XLM)]
    muxed = MuxedAccount(town.address("ben"), 77).account_muxed
    assert muxed is not None
    town.call("ana", LUMENS, "transfer", "ana", muxed, 2 * XLM)
    assert town.events() == [("transfer", {"amount": 2 * XLM, "to_muxed_id": 77})]
    stranger = Keypair.random().public_key
    for to, amount, error in (
        ("ben", 995 * XLM, "Error(Contract, #10)"),
        ("ben", 992 * XLM + XLM // 2, "Error(Contract, #10)"),  # a reserve has to stay
        (stranger, XLM, "Error(Contract, #6)"),
        ("ben", -1, "Error(Contract, #8)"),
    ):
        assert refusal(town, "ana", LUMENS, "transfer", "ana", to, amount) == error
    assert refusal(town, "ana", LUMENS, "transfer", muxed, "ben", 1) == "Error(Value, InvalidInput)"
    assert refusal(town, "ana", LUMENS, "transfer", 1, "ben", 1) == "Error(Value, UnexpectedType)"
    assert refusal(town, "ana", LUMENS, "__constructor") == "Error(Context, InvalidAction)"
    assert town.network.is_conserved()


def test_other_assets_are_in_trust_lines_made_and_destroyed_by_their_issuer(
    town: ContractTown,
) -> None:
    _, contract = dollar(town)
    town.call("ana", contract, "transfer", "ana", "ben", 30 * XLM)
    assert town.asked(contract, "balance", "ben") == 30 * XLM
    town.call("issuer", contract, "transfer", "issuer", "ben", 50 * XLM)
    assert town.events() == [("mint", 50 * XLM)]
    town.call("ben", contract, "transfer", "ben", "issuer", 80 * XLM)
    assert town.events() == [("burn", 80 * XLM)]
    assert town.asked(contract, "balance", "ben") == 0
    for source, to, amount, error in (
        ("ana", "eve", 1, "Error(Contract, #13)"),
        ("ana", "ben", 71 * XLM, "Error(Contract, #10)"),
        ("issuer", "ben", 151 * XLM, "Error(Contract, #10)"),
    ):
        assert refusal(town, source, contract, "transfer", source, to, amount) == error


def test_who_may_not_hold_an_asset_neither_pays_nor_is_paid(town: ContractTown) -> None:
    asset, contract = dollar(town)
    revocable = SetOptions(set_flags=AuthorizationFlag.AUTHORIZATION_REVOCABLE)
    forbid = SetTrustLineFlags(
        town.address("ana"), asset, clear_flags=TrustLineFlags.AUTHORIZED_FLAG
    )
    assert town.run("issuer", revocable, forbid) == ("tx_success", "op_success", "op_success")
    assert refusal(town, "ana", contract, "transfer", "ana", "ben", 1) == "Error(Contract, #11)"
    assert refusal(town, "ben", contract, "transfer", "issuer", "ana", 1) == "Error(Contract, #11)"


def test_contracts_hold_assets_in_entries_of_the_assets_contract(town: ContractTown) -> None:
    _, contract = dollar(town)
    town.call("ana", contract, "transfer", "ana", LUMENS, 30 * XLM)
    assert town.asked(contract, "balance", LUMENS) == 30 * XLM
    assert town.asked(contract, "balance", contract) == 0
    # Nobody can agree for a contract that is not calling.
    operation = town.operation(contract, "transfer", LUMENS, "ana", 1)
    envelope = town.prepared("ana", operation)
    assert town.outcome(envelope) == ("tx_failed", "function_trapped")


def test_an_allowance_is_spent_up_and_ends_with_its_ledger(town: ContractTown) -> None:
    last = town.network.latest(town.now_ms).sequence + 10
    town.call("ana", LUMENS, "approve", "ana", "eve", 10 * XLM, town.number(last))
    assert town.events() == [("approve", [10 * XLM, last])]
    town.call("eve", LUMENS, "transfer_from", "eve", "ana", "ben", 4 * XLM)
    assert town.asked(LUMENS, "allowance", "ana", "eve") == 6 * XLM
    assert town.account("ben").balance == 1004 * XLM
    too_much = refusal(town, "eve", LUMENS, "transfer_from", "eve", "ana", "ben", 7 * XLM)
    assert too_much == "Error(Contract, #9)"
    assert shown(town, "ana", "eve")
    town.close(12)
    assert not shown(town, "ana", "eve"), "a node does not show what has ended"
    assert town.asked(LUMENS, "allowance", "ana", "eve") == 0
    late = refusal(town, "eve", LUMENS, "transfer_from", "eve", "ana", "ben", 1)
    assert late == "Error(Contract, #9)"
    for wrong in (last, last + 4_000_000):
        arguments = ("ana", "eve", XLM, town.number(wrong))
        assert refusal(town, "ana", LUMENS, "approve", *arguments) == "Error(Contract, #9)"
    town.call("ana", LUMENS, "approve", "ana", "eve", 0, town.number(0))
    assert town.network.is_conserved()


def shown(town: ContractTown, owner: str, spender: str) -> bool:
    """Whether a node shows the entry of an allowance."""
    pair = {"from": town.value(owner), "spender": town.value(spender)}
    key = stellar_xdr.LedgerKey(
        stellar_xdr.LedgerEntryType.CONTRACT_DATA,
        contract_data=stellar_xdr.LedgerKeyContractData(
            Address(LUMENS).to_xdr_sc_address(),
            scval.to_enum("Allowance", scval.to_struct(pair)),
            stellar_xdr.ContractDataDurability.TEMPORARY,
        ),
    )
    answer = Rpc(town.network, "").answer(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "getLedgerEntries",
            "params": {"keys": [key.to_xdr()]},
        },
        town.now_ms,
    )
    return bool(answer["result"]["entries"])


def test_what_contracts_keep_outlives_the_process(town: ContractTown, tmp_path: Path) -> None:
    channel = town.open("ana", "ben", Keypair.random(), 50 * XLM, 5)
    state = StateFile(tmp_path / "state")
    network = town.network
    header = network.latest(town.now_ms)
    entries = network._entries.all()
    state.create(NetworkState(PASSPHRASE, network.close_ms, [header], entries, [], 1))
    loaded = state.load(PASSPHRASE)
    state.close()
    assert loaded is not None
    assert {replace(e, modified=0) for e in loaded.entries} == {
        replace(e, modified=0) for e in entries
    }
    town.network = LocalNetwork(loaded, 2**20)
    assert town.asked(channel, "balance") == 50 * XLM
