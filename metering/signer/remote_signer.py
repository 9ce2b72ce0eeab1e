"""The signer as the server's process knows it: a door to knock at, and what is said there."""

import asyncio
from collections.abc import Awaitable, Callable

from config.limits import SIGNER_ANSWER_SECONDS_MAX
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.signer import Refused, SignerAway, SigningOrder
from metering.signer.collecting import CollectingOrder
from metering.signer.messages import (
    Accounts,
    Agreed,
    Answer,
    Away,
    Bump,
    Question,
    Refusal,
    WhoPays,
    agreement,
    read_answer,
    write_question,
)

Door = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Opens a connection to the signer, with a limit of `SIGNER_ANSWER_BYTES_MAX`; raises OSError."""


class RemoteSigner:
    """Implements `Signer`. Made by `meet`."""

    def __init__(self, door: Door, accounts: Accounts) -> None:
        self._door = door
        self._accounts = accounts

    @classmethod
    async def meet(cls, door: Door) -> "RemoteSigner":
        """Ask whose keys it has.

        Raises:
            SignerAway: no answer; ask again.
        """
        answer = await _asked(door, WhoPays())
        if not isinstance(answer, Accounts):
            raise SignerAway(f"it does not say who pays: {type(answer).__name__}")
        return cls(door, answer)

    @property
    def hot(self) -> str:
        return self._accounts.hot

    @property
    def channels(self) -> tuple[str, ...]:
        return self._accounts.channels

    async def sign(self, order: SigningOrder) -> SignedEnvelope:
        return _envelope(await _asked(self._door, order))

    async def bump(self, envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
        return _envelope(await _asked(self._door, Bump(envelope.hash, fee)))

    async def authorize(self, order: CollectingOrder) -> bytes:
        """Implements `collecting.CollectingSigner`."""
        answer = await _asked(self._door, agreement(order))
        if not isinstance(answer, Agreed):
            raise SignerAway("it answered something else")
        return bytes.fromhex(answer.signature)


def _envelope(answer: Answer) -> SignedEnvelope:
    if not isinstance(answer, SignedEnvelope):
        raise SignerAway("it answered something else")
    return answer


async def _asked(door: Door, question: Question) -> Answer:
    """What it says; what it refuses is raised."""
    try:
        async with asyncio.timeout(SIGNER_ANSWER_SECONDS_MAX):
            answer = read_answer(await _line(door, question))
    except (OSError, ValueError) as error:
        raise SignerAway(str(error) or type(error).__name__) from error
    if isinstance(answer, Refusal):
        raise Refused(answer.reason, answer.detail)
    if isinstance(answer, Away):
        raise SignerAway(answer.detail)
    return answer


async def _line(door: Door, question: Question) -> bytes:
    reader, writer = await door()
    try:
        writer.write(write_question(question))
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
    if not line:
        raise ConnectionResetError("it hung up without an answer")
    return line
