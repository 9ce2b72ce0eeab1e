"""Answers one question at a signer's door: reads a line, says a line, hangs up."""

import asyncio
from typing import Protocol

import structlog

from config.limits import SIGNER_ANSWER_SECONDS_MAX
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.signer import Reason, Refused, Signer, SignerAway, SigningOrder
from metering.signer.collecting import CollectingSigner
from metering.signer.messages import (
    Accounts,
    Agreed,
    Agreement,
    Answer,
    Away,
    Bump,
    NotUnderstood,
    Question,
    Refusal,
    WhoPays,
    collecting_order,
    read_question,
    write_answer,
)

log = structlog.get_logger(__name__)


class KeyHolder(Signer, CollectingSigner, Protocol):
    """All that may be asked."""


async def attend(
    signer: KeyHolder, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer whoever is there, and close.

    Args:
        signer: has the keys.
        reader: with a limit of `SIGNER_QUESTION_BYTES_MAX`.
        writer: of the same connection.
    """
    try:
        async with asyncio.timeout(SIGNER_ANSWER_SECONDS_MAX):
            writer.write(write_answer(await _answered(signer, await reader.readline())))
            await writer.drain()
    except (OSError, ValueError):
        # Gone, too slow, or too long a line: whoever asked has no answer, and asks again.
        log.warning("a question to the signer was broken off")
    finally:
        writer.close()


async def _answered(signer: KeyHolder, line: bytes) -> Answer:
    try:
        return await _answer(signer, read_question(line))
    except NotUnderstood as error:
        return Refusal(Reason.MALFORMED, str(error))
    except Refused as refused:
        log.warning("not signed", reason=refused.reason.value, detail=refused.detail)
        return Refusal(refused.reason, refused.detail)
    except SignerAway as away:
        log.warning("nothing can be signed now", reason=str(away))
        return Away(str(away))
    except OSError as error:
        # What was signed cannot be kept, so nothing is.
        log.error("nothing can be signed now", reason=str(error))
        return Away(str(error))


async def _answer(signer: KeyHolder, question: Question) -> Answer:
    match question:
        case WhoPays():
            return Accounts(signer.hot, signer.channels)
        case SigningOrder():
            signed = await signer.sign(question)
            log.info("signed", settlement=question.settlement, hash=signed.hash)
            return signed
        case Bump():
            named = SignedEnvelope("", question.hash, "", 0, 0, 0, 0)
            return await signer.bump(named, question.fee)
        case Agreement():
            signature = await signer.authorize(collecting_order(question))
            return Agreed(signature.hex())
