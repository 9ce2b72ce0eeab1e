"""The operator: whoever has the token that the program printed when it was started first."""

import hmac
from dataclasses import dataclass

from aiohttp import web

from api.auth.account import hash_token
from api.auth.bearer import shown_token
from api.errors import forbidden, unauthorised


@dataclass(frozen=True, slots=True)
class Operator:
    """Guards routes that are about everybody's money. No API key and no sign-in opens them."""

    token_hash: bytes

    def require(self, request: web.Request) -> None:
        """Raise a problem unless the request shows the operator's own token."""
        token = shown_token(request)
        if token is None:
            raise unauthorised("send the operator's token as `Authorization: Bearer TOKEN`")
        if not hmac.compare_digest(hash_token(token), self.token_hash):
            raise forbidden("this is the operator's")
