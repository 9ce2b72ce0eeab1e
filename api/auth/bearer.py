"""Find out which account a request speaks for."""

from collections import OrderedDict

from aiohttp import web

from api.auth.account import Account, AccountKind, AccountStore, hash_token
from api.errors import forbidden, unauthorised
from config.limits import BEARER_CACHE_ACCOUNTS_MAX


class Bearers:
    """Resolves `Authorization: Bearer` tokens; the most recent ones without asking the store.

    Accounts are never deleted and tokens never change, so a cached answer cannot go stale.
    """

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts
        self._recent: OrderedDict[bytes, Account] = OrderedDict()

    async def account(self, request: web.Request) -> Account:
        """The account behind the request's token.

        Raises:
            Problem: 401 without a token that we know.
        """
        token = shown_token(request)
        if token is None:
            raise unauthorised("send the account's token as `Authorization: Bearer TOKEN`")
        return await self.account_of(token)

    async def account_of(self, token: str) -> Account:
        """As `account`, of a token that came in another way."""
        token_hash = hash_token(token)
        account = self._recent.get(token_hash)
        if account is None:
            account = await self._accounts.by_token_hash(token_hash)
            if account is None:
                raise unauthorised("this token is not known")
            self._remember(token_hash, account)
        return account

    async def creator(self, request: web.Request) -> Account:
        """As `account`, but 403 for an account that does not publish."""
        account = await self.account(request)
        if account.kind is not AccountKind.CREATOR:
            raise forbidden("this needs a creator's token")
        return account

    def _remember(self, token_hash: bytes, account: Account) -> None:
        self._recent[token_hash] = account
        if len(self._recent) > BEARER_CACHE_ACCOUNTS_MAX:
            self._recent.popitem(last=False)


def shown_token(request: web.Request) -> str | None:
    """The token in the request's `Authorization`, if there is one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None
