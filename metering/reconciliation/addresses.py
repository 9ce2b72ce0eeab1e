"""Which addresses on the chain our books are about, and which accounts stand for them there."""

from collections.abc import Sequence
from dataclasses import dataclass

from metering.ledger.ledger import deposit_chain_account, hot_account, sender_account
from metering.money import NATIVE


@dataclass(frozen=True, slots=True)
class Ours:
    """Our addresses.

    Args:
        hot: pays everything.
        deposit: where deposits go; perhaps the same.
        senders: channel accounts, which have lumens for fees.
        assets: what is in the books, `XLM` or `CODE:ISSUER`.
    """

    hot: str
    deposit: str
    senders: Sequence[str]
    assets: Sequence[str]

    @property
    def all(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((self.hot, self.deposit, *self.senders)))

    @property
    def signed(self) -> tuple[str, ...]:
        """Those whose keys the signer has; the operator alone has that of another for deposits."""
        return tuple(dict.fromkeys((self.hot, *self.senders)))

    @property
    def accounts(self) -> dict[tuple[str, str], str]:
        """The ledger's account for each address and asset."""
        found = {(each, NATIVE): sender_account(each).id for each in self.senders}
        for asset in dict.fromkeys((NATIVE, *self.assets)):
            found[self.deposit, asset] = deposit_chain_account(asset).id
            found[self.hot, asset] = hot_account(asset).id
        return found
