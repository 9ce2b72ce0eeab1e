"""Requests that are still being answered, and what they showed: event streams last for hours."""

import weakref
from collections.abc import Iterable
from typing import Protocol

from api.auth.caller import Caller, Proof


class Connection(Protocol):
    def close(self) -> None: ...


class Request(Protocol):
    """What is needed of aiohttp's."""

    @property
    def transport(self) -> Connection | None: ...


class OpenRequests:
    """Forgets a request by itself when nobody holds it any more. An account's own token is not
    looked at: it is given back once, by its owner.
    """

    def __init__(self) -> None:
        self._callers: dict[int, tuple[weakref.ref[Request], Caller]] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def add(self, request: Request, caller: Caller) -> None:
        """Remember what a request showed."""
        if caller.proof is Proof.TOKEN:
            return
        key = id(request)
        forget = self._callers.pop
        self._callers[key] = (weakref.ref(request, lambda _: forget(key, None)), caller)

    def proofs(self) -> frozenset[str]:
        """The ids of all that was shown."""
        return frozenset(caller.proof_id for _, caller in self._callers.values())

    def close(self, proof_ids: Iterable[str]) -> None:
        """Hang up on whoever showed one of these."""
        gone = frozenset(proof_ids)
        for held, caller in list(self._callers.values()):
            request = held() if caller.proof_id in gone else None
            if request is not None and request.transport is not None:
                request.transport.close()
