"""Which contracts we take vouchers of: those that pay us, and cannot be emptied before we look."""

from dataclasses import dataclass

from config.limits import VOUCHER_WAITING_LEDGERS_MAX, VOUCHER_WAITING_LEDGERS_MIN
from metering.money import STROOPS_MAX
from metering.vouchers.payment_channel import ContractState


class ContractRefused(Exception):
    """The contract is none that we take; `reason` in one word, the text for people."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ChannelTerms:
    """What a contract has to be for us to take its vouchers.

    Attributes:
        wasms: hashes of code that is known to do what upstream's does.
        token: the contract of the currency.
        asset: the currency as the ledger calls it.
        recipient: our hot account.
        passphrase: of the network that vouchers are signed for.
    """

    wasms: frozenset[str]
    token: str
    asset: str
    recipient: str
    passphrase: str

    def require(self, contract: ContractState) -> None:
        """Pass when all of it holds.

        Raises:
            ContractRefused: with the first reason against it.
        """
        for reason, is_wrong, text in self._reasons(contract):
            if is_wrong:
                raise ContractRefused(reason, text)

    def _reasons(self, found: ContractState) -> tuple[tuple[str, bool, str], ...]:
        least, most = VOUCHER_WAITING_LEDGERS_MIN, VOUCHER_WAITING_LEDGERS_MAX
        waiting = found.waiting_ledgers
        return (
            ("unknown_code", found.wasm not in self.wasms, f"its code, {found.wasm}, is not known"),
            ("other_token", found.token != self.token, f"it holds {found.token}, not {self.token}"),
            (
                "other_recipient",
                found.recipient != self.recipient,
                f"it pays {found.recipient}, not {self.recipient}",
            ),
            (
                "waiting_period",
                not least <= waiting <= most,
                f"its refund waits for {waiting} ledgers; it has to be {least} to {most}",
            ),
            ("closing", found.closes_at is not None, "it is being closed"),
            ("used_before", found.withdrawn != 0, "it has paid before; open another one"),
            ("too_much", found.deposited > STROOPS_MAX, "it holds more than 64 bits can say"),
        )
