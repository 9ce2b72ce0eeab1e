"""The payment channel's contract: who gets what, when, and what it refuses."""

import pytest
from stellar_sdk import Keypair

from metering.localnet import CHANNEL_WASM_HASH
from metering.localnet.contracts.payment_channel import commitment
from metering.vouchers.commitment import Commitments, network_id
from tests.metering.localnet.contracts.contract_town import LUMENS, ContractTown, Failed
from tests.metering.localnet.town import PASSPHRASE, XLM

WAITING = 5


class Channel:
    """A payment channel of 50 lumens from Ana to Hot."""

    def __init__(self) -> None:
        self.town = ContractTown("ana", "hot", "eve")
        self.key = Keypair.random()
        self.address = self.town.open("ana", "hot", self.key, 50 * XLM, WAITING)
        self.opened = self.town.events()

    def voucher(self, lumens: int, key: Keypair | None = None) -> tuple[int, bytes]:
        """A cumulative amount, signed by the session key or by another one."""
        amount = lumens * XLM
        return amount, (key or self.key).sign(commitment(amount, self.address, PASSPHRASE))

    def do(self, who: str, name: str, *arguments: int | bytes) -> None:
        self.town.call(who, self.address, name, *arguments)

    def refusal(self, who: str, name: str, *arguments: int | bytes) -> str:
        with pytest.raises(Failed) as caught:
            self.do(who, name, *arguments)
        return str(caught.value).splitlines()[0].removeprefix("HostError: ")

    def lumens(self, name: str) -> float:
        return float(str(self.town.asked(self.address, name))) / XLM


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_opening_takes_the_deposit_and_tells_the_terms(channel: Channel) -> None:
    town = channel.town
    assert channel.lumens("deposited") == channel.lumens("balance") == 50
    moved, opened = channel.opened
    assert moved == ("transfer", 50 * XLM)
    name, terms = opened
    assert name == "open"
    assert isinstance(terms, dict)
    assert {key: getattr(value, "address", value) for key, value in terms.items()} == {
        "amount": 50 * XLM,
        "commitment_key": channel.key.raw_public_key(),
        "from": town.address("ana"),
        "refund_waiting_period": WAITING,
        "to": town.address("hot"),
        "token": LUMENS,
    }
    for getter, expected in (("from", town.address("ana")), ("token", LUMENS)):
        assert getattr(town.asked(channel.address, getter), "address", "") == expected
    assert town.asked(channel.address, "refund_waiting_period") == WAITING
    assert town.network.is_conserved()


def test_a_voucher_is_the_bytes_that_the_server_checks(channel: Channel) -> None:
    ours = Commitments(channel.address, network_id(PASSPHRASE)).message(123_456_789)
    assert channel.town.asked(channel.address, "prepare_commitment", 123_456_789) == ours


def test_settling_pays_what_is_new_and_an_older_voucher_pays_nothing(channel: Channel) -> None:
    before = channel.town.account("hot").balance
    channel.do("hot", "settle", *channel.voucher(20))
    assert channel.town.events() == [
        ("transfer", 20 * XLM),
        ("withdraw", channel.town.events()[1][1]),
    ]
    channel.do("hot", "settle", *channel.voucher(10))
    assert channel.town.events() == []
    channel.do("ana", "top_up", 10 * XLM)
    channel.do("hot", "settle", *channel.voucher(60))
    fees = 3 * XLM // 10  # of three calls, less than a tenth of a lumen each
    assert before + 60 * XLM - fees < channel.town.account("hot").balance < before + 60 * XLM
    assert channel.lumens("withdrawn") == channel.lumens("deposited") == 60
    assert channel.town.network.is_conserved()


def test_what_is_not_signed_for_or_not_there_is_not_paid(channel: Channel) -> None:
    stranger = Keypair.random()
    assert channel.refusal("hot", "settle", *channel.voucher(20, stranger)) == (
        "Error(Crypto, InvalidInput)"
    )
    assert channel.refusal("hot", "settle", *channel.voucher(51)) == "Error(Contract, #10)"
    assert channel.refusal("hot", "settle", *channel.voucher(-1)) == "Error(Contract, #1)"
    assert channel.refusal("hot", "settle", 5 * XLM, b"short") == "Error(Value, UnexpectedSize)"
    assert channel.refusal("hot", "settle", 5 * XLM) == "Error(WasmVm, UnexpectedSize)"
    assert channel.refusal("ana", "withdraw", *channel.voucher(1)) == "Error(WasmVm, MissingValue)"
    assert channel.lumens("withdrawn") == 0


def test_only_the_recipient_settles_and_only_the_funder_closes(channel: Channel) -> None:
    """A call by somebody else waits for an authorization that its transaction does not carry."""
    town = channel.town
    for outsider, name, arguments in (
        ("eve", "settle", channel.voucher(20)),
        ("ana", "close", channel.voucher(20)),
        ("eve", "top_up", (XLM,)),
        ("hot", "close_start", ()),
    ):
        operation = town.operation(channel.address, name, *arguments)
        envelope = town.prepared(outsider, operation)
        outcome = town.outcome(envelope)
        assert outcome == ("tx_failed", "function_trapped"), name
    assert channel.lumens("balance") == 50


def test_closing_settles_and_gives_the_rest_back_at_once(channel: Channel) -> None:
    before = channel.town.account("ana").balance
    channel.do("hot", "close", *channel.voucher(20))
    told = [name for name, _ in channel.town.events()]
    assert told == ["transfer", "withdraw", "close", "transfer", "refund"]
    assert channel.town.account("ana").balance == before + 30 * XLM
    assert channel.lumens("balance") == 0
    # What comes later may still be settled: upstream lets a closed channel be used on.
    channel.do("ana", "top_up", 10 * XLM)
    channel.do("hot", "close", *channel.voucher(25))
    assert [name for name, _ in channel.town.events()] == [
        *("transfer", "withdraw", "transfer", "refund")
    ]
    assert channel.refusal("ana", "close_start") == "Error(Contract, #4)"


def test_the_funder_waits_for_the_rest_and_the_recipient_may_settle_meanwhile(
    channel: Channel,
) -> None:
    assert channel.refusal("ana", "refund") == "Error(Contract, #2)"
    channel.do("ana", "close_start")
    ledger = channel.town.network.latest(channel.town.now_ms).sequence
    assert channel.town.events() == [("close", {"effective_at_ledger": ledger + WAITING})]
    assert channel.refusal("ana", "refund") == "Error(Contract, #3)"
    channel.do("hot", "settle", *channel.voucher(20))
    channel.town.close(WAITING - 1)
    channel.do("ana", "refund")
    assert [name for name, _ in channel.town.events()] == ["transfer", "refund"]
    assert channel.lumens("balance") == 0
    channel.do("ana", "refund")
    assert channel.town.events() == []
    assert channel.refusal("hot", "settle", *channel.voucher(30)) == "Error(Contract, #10)"
    assert channel.town.network.is_conserved()


def test_no_channel_is_made_with_what_its_funder_does_not_have_or_agree_to() -> None:
    town = ContractTown("ana", "hot", "eve")
    key = Keypair.random()
    with pytest.raises(Failed, match="#10"):
        town.open("ana", "hot", key, 2_000 * XLM, WAITING)
    with pytest.raises(Failed, match="#1"):
        town.open("ana", "hot", key, -1, WAITING)
    terms = [town.value(LUMENS), town.value("ana"), town.value(key.raw_public_key())]
    terms += [town.value("hot"), town.value(XLM), town.number(WAITING)]
    with pytest.raises(Failed, match="not tied to the root"):
        town.prepared("eve", town.creation("eve", terms))
    operation = town.creation("eve", terms)
    agreed = town.prepared("eve", operation, ("ana",), authMode="record_allow_nonroot")
    assert town.outcome(agreed) == ("tx_success", "op_success")


def test_a_contract_is_made_once_of_code_that_is_known() -> None:
    town = ContractTown("ana", "hot")
    terms = [town.value(LUMENS), town.value("ana"), town.value(bytes(32))]
    terms += [town.value("hot"), town.value(0), town.number(WAITING)]
    first = town.prepared("ana", town.creation("ana", terms, salt=bytes(32)))
    assert town.outcome(first) == ("tx_success", "op_success")
    with pytest.raises(Failed, match=r"Error\(Storage, ExistingValue\)"):
        town.prepared("ana", town.creation("ana", terms, salt=bytes(32)))
    other = town.creation("ana", terms)
    made = other.host_function.create_contract_v2
    assert made is not None
    assert made.executable.wasm_hash is not None
    assert made.executable.wasm_hash.hash.hex() == CHANNEL_WASM_HASH
    made.executable.wasm_hash.hash = bytes(32)
    with pytest.raises(Failed, match=r"Error\(Storage, MissingValue\)"):
        town.prepared("ana", other)
