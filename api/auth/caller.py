"""Who a request speaks for, and what it showed to say so."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from api.auth.account import Account
from api.auth.scopes import Scope


class Proof(StrEnum):
    """What was shown."""

    TOKEN = "token"
    """An account's own token, `tc_...`, which is good until it is given back."""
    SIGN_IN = "sign_in"
    """An access token of somebody who signed in."""
    KEY = "key"
    """An API key, `sk_...`."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, with what speaks for it.

    Attributes:
        proof_id: of the sign-in or the key; the account's own for its token.
        scopes: what a key is allowed; None of a person, who may do all.
    """

    account: Account
    proof: Proof
    proof_id: str
    scopes: frozenset[Scope] | None = None


class TokenReader(Protocol):
    """Knows tokens of one kind."""

    def reads(self, token: str) -> bool:
        """Whether a token looks like one of this kind."""

    async def read(self, token: str) -> Caller | None:
        """Who shows it; None when it is not, or not any more, good."""

    async def still_good(self, proof_ids: Iterable[str]) -> frozenset[str]:
        """Which of these proofs nobody has ended or revoked since."""
