"""What viewers with open sessions can spend."""

from collections.abc import Iterator

from metering.money import Stroops
from metering.open_session import OpenSession, Wallet


class Wallets:
    """By the account that pays. A wallet is in memory as long as it has open sessions."""

    def __init__(self) -> None:
        self._wallets: dict[str, Wallet] = {}

    def __contains__(self, account: str) -> bool:
        return account in self._wallets

    def __iter__(self) -> Iterator[str]:
        return iter(self._wallets)

    def of(self, account: str, balance: int) -> Wallet:
        """An account's; `balance` is what there is in it when it is not in memory."""
        return self._wallets.setdefault(account, Wallet(balance))

    def join(self, kept: OpenSession) -> None:
        """A session takes from its wallet from now on."""
        kept.wallet.sessions += (kept,)
        kept.wallet.available -= kept.unsaved

    def leave(self, kept: OpenSession) -> None:
        """It does not any more, and what it took and is not saved goes back."""
        wallet = kept.wallet
        wallet.available += kept.unsaved
        wallet.sessions = tuple([each for each in wallet.sessions if each is not kept])
        if not wallet.sessions:
            del self._wallets[kept.session.viewer_account]

    def available(self, account: str) -> Stroops:
        """What can be spent."""
        return Stroops(self._wallets[account].available)

    def held(self, account: str) -> Stroops:
        """What the open sessions of a wallet hold."""
        return Stroops(sum([each.held for each in self._wallets[account].sessions]))

    def empty(self, account: str) -> None:
        """Nothing can be spent of a wallet until `set_balance` says how much there is."""
        self._wallets[account].available = 0

    def take_out(self, account: str, amount: int) -> None:
        """So much of a wallet is not to be spent any more; `set_balance` follows."""
        self._wallets[account].available -= amount

    def set_balance(self, account: str, balance: int) -> None:
        """Tell what the store holds, while no commit is under way."""
        wallet = self._wallets[account]
        wallet.available = balance - sum([each.unsaved for each in wallet.sessions])

    def clear(self) -> None:
        """Forget all."""
        self._wallets.clear()
