"""Lets the hot account hold an asset: an operator's own act, and nothing that anybody may ask for.

Whoever asks the signer gets payments signed that were planned, and no more; a trust line is none.
So it is signed by a command that the operator runs where the key is. The transaction's source is
another account of the operator's, which pays for it: the hot account's sequence number and lumens
stay as the books know them, and a server may pay from it meanwhile.
"""

import asyncio

from config.limits import (
    SETTLEMENT_ENVELOPE_SECONDS,
    SETTLEMENT_FEE_RATE_MAX,
    SETTLEMENT_POLL_MS,
    TRUST_LINE_SECONDS_MAX,
)
from metering.settlement.chain import Chain, ChainUnreachable
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found
from metering.settlement.transaction import Slot, build_trust_line
from metering.signer.keys import Keys

NO_TRUST = "op_no_trust"
_BASE_FEE = 100


class NotTrusted(Exception):
    """There is no trust line, and the text says why."""


async def trust(chain: Chain, asset: str, keys: Keys, payer: Keys, passphrase: str) -> str | None:
    """Make the trust line, unless it is there.

    Args:
        chain: where; its settled asset is `asset`.
        asset: `CODE:ISSUER`.
        keys: the hot account's.
        payer: of the account that pays the fee, another one.
        passphrase: names the network.

    Returns:
        The hash of the transaction that made it; None when it was there.

    Raises:
        NotTrusted: the network refused, or did not take it in time.
        ChainUnreachable, WrongNetwork: nothing was sent.
    """
    obstacle = (await chain.obstacles([keys.hot])).get(keys.hot)
    if obstacle == "op_no_destination":
        raise NotTrusted(f"the hot account {keys.hot} does not exist: send it some lumens first")
    if obstacle != NO_TRUST:
        return None
    envelope = await _signed(chain, asset, keys, payer, passphrase)
    found = await _applied(chain, envelope)
    if not found.successful:
        raise NotTrusted(f"the network refused: {' '.join((found.code, *found.operations))}")
    return envelope.hash


async def _signed(
    chain: Chain, asset: str, keys: Keys, payer: Keys, passphrase: str
) -> SignedEnvelope:
    account, tip = await chain.account(payer.hot), await chain.tip()
    if account is None:
        raise NotTrusted(f"the account that is to pay, {payer.hot}, does not exist")
    fee = min(max(_BASE_FEE, await chain.fee_p80()), SETTLEMENT_FEE_RATE_MAX)
    slot = Slot(payer.hot, account.sequence + 1, tip.close_time + SETTLEMENT_ENVELOPE_SECONDS)
    unsigned = build_trust_line(asset, slot, fee, keys.hot, passphrase)
    signatures = keys.sign(unsigned.hash, [keys.hot]) | payer.sign(unsigned.hash, [payer.hot])
    return SignedEnvelope(
        xdr=unsigned.signed(signatures),
        hash=unsigned.hash.hex(),
        source=slot.source,
        sequence=slot.sequence,
        max_time=slot.max_time,
        fee=fee,
        ledger=tip.ledger,
    )


async def _applied(chain: Chain, envelope: SignedEnvelope) -> Found:
    """How it ended. What a node says to it is no end: it is looked for until it can be none."""
    answered = await chain.send(envelope)
    try:
        async with asyncio.timeout(TRUST_LINE_SECONDS_MAX):
            while not isinstance(seen := await _look(chain, envelope), Found):
                if seen:
                    raise NotTrusted(f"it was not applied ({answered.detail}): run it again")
                await asyncio.sleep(SETTLEMENT_POLL_MS / 1000)
            return seen
    except TimeoutError:
        text = f"nobody knows what became of {envelope.hash}: run it again, that does no harm"
        raise NotTrusted(text) from None


async def _look(chain: Chain, envelope: SignedEnvelope) -> Found | bool:
    """The transaction; or whether it can never be found any more."""
    try:
        seen = await chain.look(envelope)
    except ChainUnreachable:
        return False
    if isinstance(seen, Found):
        return seen
    used = seen.source_sequence is not None and seen.source_sequence >= envelope.sequence
    return used or seen.latest_close_time > envelope.max_time
