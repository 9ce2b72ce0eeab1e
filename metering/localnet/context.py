"""What an operation can know besides the entries: its transaction, and the ledger it is in."""

from dataclasses import dataclass

from metering.localnet.envelope import Transaction


@dataclass(frozen=True, slots=True)
class Context:
    """Where an operation is applied.

    `close_time` in seconds of ledger time; `index` counts the transaction's operations from 0.
    """

    passphrase: str
    ledger: int
    close_time: int
    transaction: Transaction
    index: int = 0
