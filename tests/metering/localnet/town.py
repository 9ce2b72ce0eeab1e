"""A network model with people on it, for tests: keys by name, transactions in one call."""

from collections.abc import Sequence

from stellar_sdk import (
    Account,
    Asset,
    CreateAccount,
    FeeBumpTransactionEnvelope,
    Keypair,
    Operation,
    Payment,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.closing import Closing
from metering.localnet.entries import Account as Entry
from metering.localnet.network import LocalNetwork, Status, genesis, root_keypair
from metering.settlement.stellar_result import read_result

PASSPHRASE = "Town Network ; tests"
CLOSE_MS = 1_000
START_MS = 1_700_000_000_000
XLM = 10**7


class Town:
    """Time stands still until `close`. Everyone is created with 1,000 lumens."""

    def __init__(self, *people: str, history_bytes_max: int = 2**24) -> None:
        self.now_ms = START_MS
        self.network = LocalNetwork(
            genesis(PASSPHRASE, CLOSE_MS, START_MS), history_bytes_max=history_bytes_max
        )
        self.keys = {"root": root_keypair(PASSPHRASE)}
        if people:
            self.create(*people)

    def create(self, *people: str, lumens: str = "1000") -> None:
        self.keys |= {name: Keypair.random() for name in people}
        creations = [
            CreateAccount(destination=self.keys[name].public_key, starting_balance=lumens)
            for name in people
        ]
        assert self.run("root", *creations) == ("tx_success", *["op_success"] * len(people))

    def address(self, name: str) -> str:
        return self.keys[name].public_key

    def account(self, name: str) -> Entry:
        account = self.network.account(self.address(name))
        assert account is not None
        return account

    def pay(self, to: str, amount: str = "1", asset: Asset | None = None) -> Payment:
        destination = self.address(to) if to in self.keys else to
        return Payment(destination=destination, asset=asset or Asset.native(), amount=amount)

    def build(
        self,
        source: str,
        *operations: Operation,
        signers: Sequence[str] | None = None,
        sequence: int | None = None,
        fee: int | None = None,
        times: tuple[int, int] = (0, 0),
        passphrase: str = PASSPHRASE,
    ) -> TransactionEnvelope:
        """A transaction signed by its source, or by `signers`."""
        number = self.account(source).sequence if sequence is None else sequence - 1
        builder = TransactionBuilder(Account(self.address(source), number), passphrase)
        builder.operations = list(operations)
        builder.add_time_bounds(*times)
        envelope = builder.build()
        envelope.transaction.fee = 100 * len(operations) if fee is None else fee
        for name in (source,) if signers is None else signers:
            envelope.sign(self.keys[name])
        return envelope

    def bump(
        self, sponsor: str, inner: TransactionEnvelope, base_fee: int
    ) -> FeeBumpTransactionEnvelope:
        envelope = TransactionBuilder.build_fee_bump_transaction(
            fee_source=self.address(sponsor),
            base_fee=base_fee,
            inner_transaction_envelope=inner,
            network_passphrase=PASSPHRASE,
        )
        envelope.sign(self.keys[sponsor])
        return envelope

    def submit(
        self, envelope: TransactionEnvelope | FeeBumpTransactionEnvelope, late_ledgers: int = 0
    ) -> tuple[Status, tuple[str, ...]]:
        """How it was taken, and the codes of a refusal."""
        answer = self.network.submit(envelope.to_xdr(), self.now_ms, late_ledgers)
        return answer.status, () if answer.result is None else codes(answer.result)

    def close(self, ledgers: int = 1) -> Closing | None:
        """Let time pass; what the network closed then."""
        self.now_ms += ledgers * CLOSE_MS
        return self.network.advance(self.now_ms)

    def run(self, source: str, *operations: Operation) -> tuple[str, ...]:
        """Build, submit and close; the codes it ended with."""
        return self.outcome(self.build(source, *operations))

    def outcome(
        self, envelope: TransactionEnvelope | FeeBumpTransactionEnvelope
    ) -> tuple[str, ...]:
        """Submit and close; the codes it was refused with, or ended with."""
        status, refusal = self.submit(envelope)
        if status != Status.PENDING:
            return (status.value, *refusal)
        self.close()
        return self.result(envelope)

    def result(self, envelope: TransactionEnvelope | FeeBumpTransactionEnvelope) -> tuple[str, ...]:
        record = self.network.transaction(envelope.hash_hex())
        assert record is not None
        return codes(stellar_xdr.TransactionResult.from_xdr(record.result_xdr))


def codes(result: stellar_xdr.TransactionResult) -> tuple[str, ...]:
    """The transaction's code, the inner one's if any, the operations'."""
    read = read_result(result)
    inner = () if read.inner is None else (read.inner,)
    return (read.transaction, *inner, *read.operations)
