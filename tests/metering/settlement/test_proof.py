"""A creator checks a payout from the chain alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from api.verify_payout import verify_payouts
from metering.localnet.closing import Traffic
from metering.settlement import stellar_proof
from metering.settlement.outbox import Payment, Settlement
from metering.settlement.proof import MalformedProof, Proof, Returns, proof_document, read_proof
from tests.metering.settlement.dollars import DOLLAR, Dollars
from tests.metering.settlement.simulated import PASSPHRASE, XLM, World


async def paid(world: World, creator: str) -> tuple[Settlement, Payment]:
    [view] = await world.stored.payouts(creator, world.asset, 1)
    settlement = await world.stored.settlement_of(view.id)
    assert settlement is not None
    return settlement, settlement.payments[view.place]


async def proof_of(world: World, creator: str) -> Proof:
    """As it comes over HTTP."""
    document = proof_document(*await paid(world, creator), PASSPHRASE)
    return read_proof(json.loads(json.dumps(document)))


async def faults(world: World, proof: Proof) -> list[str]:
    return await stellar_proof.faults_on_chain(proof, "http://node", world.node, rpc=True)


async def test_the_chain_confirms_it_also_of_a_bump_and_of_what_is_to_be_claimed() -> None:
    world = World(channels=1)
    await world.earn_all({"ana": XLM, "ben": 2 * XLM, "cy": 3})
    await world.run()
    proof = await proof_of(world, "ana")
    assert proof.is_sound
    assert proof.said["amount"] == str(XLM)
    assert int(proof.said["earnedUntil"]) > int(proof.said["earnedAfter"]) == 0
    assert await faults(world, proof) == []
    await world.earn("ana", XLM)
    await world.worker.run_once()
    world.network.traffic = Traffic(crowd_rate=900)
    world.node.knows_inner_hashes = False
    await world.run()
    bumped = await proof_of(world, "ana")
    assert len(bumped.hashes) == 2
    assert bumped.said["earnedAfter"] == proof.said["earnedUntil"]
    assert await faults(world, bumped) == []

    dollars = Dollars()
    await dollars.begin()
    await dollars.add_payee("dan")
    await dollars.earn("dan", 2 * DOLLAR)
    await dollars.run()
    left = await proof_of(dollars, "dan")
    assert left.claimable
    assert await faults(dollars, left) == []


async def test_what_the_chain_says_otherwise_is_told() -> None:
    world = World(channels=1)
    await world.earn_all({"ana": XLM, "ben": 2 * XLM})
    await world.run()
    proof, other = await proof_of(world, "ana"), await proof_of(world, "ben")
    richer = replace(proof, said={**proof.said, "amount": str(2 * XLM)})
    assert not richer.is_sound
    assert await faults(world, richer) == ["its operation pays something else"]
    assert await faults(world, replace(proof, index=other.index)) != []
    assert await faults(world, replace(proof, root=bytes(32))) == [
        "its memo is not the root of this proof"
    ]
    [unknown] = await faults(world, replace(proof, hashes=["0" * 64]))
    assert "no such transaction" in unknown


async def test_a_file_is_checked_by_the_command(tmp_path: Path) -> None:
    world = World()
    await world.earn_all({"ana": XLM})
    await world.run()
    document = proof_document(*await paid(world, "ana"), PASSPHRASE)
    good, bad, none = (tmp_path / name for name in ("good.json", "bad.json", "none.json"))
    good.write_text(json.dumps(document))
    richer = json.loads(json.dumps(document))
    richer["payment"]["amount"] = "1"
    bad.write_text(json.dumps(richer))
    none.write_text("{}")
    said: list[str] = []
    assert verify_payouts([good], said.append)
    assert "sound: 1.0000000 XLM to G" in said[0]
    assert "look at the memo" in said[1]
    said.clear()
    back = Returns(reclaim="pay_3", paid_again_by="pay_4", pays_again=("pay_0",))
    good.write_text(json.dumps(proof_document(*await paid(world, "ana"), PASSPHRASE, back)))
    assert verify_payouts([good], said.append)
    assert said[0].endswith(
        "; taken back since nobody claimed it, and paid again by pay_4"
        "; pays again what came back of pay_0"
    )
    said.clear()
    assert not verify_payouts([bad, none], said.append)
    assert [line.partition(": ")[2] for line in said] == [
        "the payment is not part of what the root stands for",
        "not a proof: 'document'",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"document": "receipt"},
        {"payment": {"id": "pay_1"}},
        {"root": "00"},
        {"path": ["00" * 32] * 9},
        {"index": "first"},
        {"bumpHashes": None},
        {"paidAgainBy": 7},
        {"paysAgain": [7]},
    ],
)
async def test_what_is_no_proof_is_refused(wrong: dict[str, object]) -> None:
    payment = Payment("pay_1", "ana", "GANA", XLM, "creator:ana:XLM")  # type: ignore[arg-type]
    world = World()
    await world.earn_all({"ana": XLM})
    await world.run()
    settlement, _ = await paid(world, "ana")
    document = proof_document(replace(settlement, payments=(payment,)), payment, PASSPHRASE)
    read_proof(document)
    with pytest.raises(MalformedProof):
        read_proof(document | wrong)
