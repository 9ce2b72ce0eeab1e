"""The command `tollcast verify --payout`: checks payouts in files, with nothing but the chain."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from api.verify_command import CannotVerify, read_file
from metering.money import format_amount
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.proof import MalformedProof, Proof, read_proof

type Say = Callable[[str], None]


def verify_payouts(
    paths: Sequence[Path], say: Say, *, rpc_url: str = "", horizon_url: str = ""
) -> bool:
    """Check proofs of payouts; say what came out. True when nothing is wrong.

    Args:
        paths: files as `GET /api/v1/payments/proofs/{id}` gives them.
        say: told a line for each.
        rpc_url: of a Stellar RPC node to ask for the transactions, or
        horizon_url: of a Horizon server. Without either only the proofs are checked.

    Raises:
        CannotVerify: a file cannot be read, or nobody answers.
    """
    sound = True
    for path in paths:
        proof, faults = _checked(path)
        if proof is not None and not faults and (rpc_url or horizon_url):
            faults = _on_chain(proof, rpc_url, horizon_url)
        for fault in faults:
            say(f"{path}: {fault}")
        if proof is not None and not faults:
            asked = rpc_url or horizon_url
            say(f"{path}: {'paid' if asked else 'sound'}: {_summary(proof)}")
            if not asked:
                say(f"(look at the memo of {proof.hashes[0]} yourself, or name a node by --rpc)")
        sound = sound and not faults
    return sound


def _checked(path: Path) -> tuple[Proof | None, list[str]]:
    try:
        proof = read_proof(json.loads(read_file(path)))
    except (MalformedProof, ValueError) as error:
        return None, [f"{error}"]
    return proof, [] if proof.is_sound else ["the payment is not part of what the root stands for"]


def _on_chain(proof: Proof, rpc_url: str, horizon_url: str) -> list[str]:
    try:
        return asyncio.run(_asked(proof, rpc_url, horizon_url))
    except (ChainUnreachable, WrongNetwork) as error:
        raise CannotVerify(str(error)) from None


async def _asked(proof: Proof, rpc_url: str, horizon_url: str) -> list[str]:
    # The SDK takes most of a second to import, and not every check needs it.
    from metering.settlement.stellar_client import StellarClient
    from metering.settlement.stellar_proof import faults_on_chain

    client = StellarClient()
    try:
        url = rpc_url or horizon_url
        return await faults_on_chain(proof, url, client, rpc=bool(rpc_url))
    finally:
        await client.close()


def _summary(proof: Proof) -> str:
    said = proof.said
    amount = format_amount(int(said["amount"]))
    earned = f", earned in the journal behind {said['earnedAfter']} up to {said['earnedUntil']}"
    return (
        f"{amount} {said['asset'].partition(':')[0]} to {said['address']} by {proof.hashes[0]}"
        f"{earned if 'form' in said else ''}{_returns(proof)}"
    )


def _returns(proof: Proof) -> str:
    """What the server says of money that came back; each payout named has a proof of its own."""
    told = ""
    if proof.reclaimed:
        again = f", and paid again by {proof.paid_again_by}" if proof.paid_again_by else ""
        told = f"; taken back since nobody claimed it{again}"
    if proof.pays_again:
        told += f"; pays again what came back of {', '.join(proof.pays_again)}"
    return told
