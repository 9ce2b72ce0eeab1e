"""What an account says about itself, and where it is paid."""

from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account, AccountStore
from api.auth.bearer import Bearers
from api.auth.challenge import pays_to
from api.auth.documents import profile_document
from api.auth.forms import ChangeProfile
from api.auth.login import LoginStore
from api.errors import Problem
from api.input import read_body


@dataclass(frozen=True, slots=True)
class ProfileRoutes:
    """The route `/api/v1/auth/profile`."""

    logins: LoginStore
    accounts: AccountStore
    bearers: Bearers

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/auth/profile", self.get),
            web.patch("/api/v1/auth/profile", self.change),
        ]

    async def get(self, request: web.Request) -> web.Response:
        return await self._answer((await self.bearers.account(request)).id)

    async def change(self, request: web.Request) -> web.Response:
        """Payouts go to an address only after its wallet was linked: whoever has it has signed."""
        account = await self.bearers.account(request)
        wish = await read_body(request, ChangeProfile)
        if wish.payoutAddress is not None:
            await self._require_own(account, wish.payoutAddress)
            await self.accounts.set_stellar_address(account.id, wish.payoutAddress)
        if wish.username is not None:
            await self.accounts.set_display_name(account.id, wish.username)
        self.bearers.forget(account.id)
        return await self._answer(account.id)

    async def _require_own(self, account: Account, address: str) -> None:
        wallets = await self.logins.wallets_of(account.id)
        if pays_to(address) is None or address not in [wallet.subject for wallet in wallets]:
            title = "This is not the address of a wallet of this account"
            detail = "link the wallet first: an account that others share, by memo or M..., is none"
            raise Problem(409, "not_your_wallet", title, detail)

    async def _answer(self, account_id: str) -> web.Response:
        account = await self.accounts.get(account_id)
        assert account is not None, "accounts are never deleted"
        login = await self.logins.password_of(account_id)
        wallets = await self.logins.wallets_of(account_id)
        document = profile_document(account, None if login is None else login.email, wallets)
        return web.json_response(document)
