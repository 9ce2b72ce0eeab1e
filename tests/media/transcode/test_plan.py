"""A plan survives the way to its worker."""

import pytest

from media.ladder import Rung
from media.transcode.picture_plan import PicturePlan
from media.transcode.plan import (
    EncoderSettings,
    MalformedPlan,
    Plan,
    plan_from_bytes,
    plan_to_bytes,
)
from media.transcode.protocol import Appearance

PLAN = Plan(
    configuration=b"\x01\x64\x00\x1f",
    frame_rate=(30000, 1001),
    rungs=(Rung("720p", 1280, 720, 2_800_000), Rung("360p", 640, 360, 800_000)),
    named_boundaries=True,
)


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        Plan(
            configuration=b"",
            frame_rate=(0, 1),
            rungs=(),
            named_boundaries=False,
            start=900_000,
            appearance=Appearance(1, 1, 1, 1, 4, 3),
            encoder=EncoderSettings("ultrafast", 30),
            shedding=False,
            pictures=PicturePlan(1, 2, live=False, sheet=3, tile_due=4, poster_due=5),
        ),
    ],
)
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    assert plan_from_bytes(plan_to_bytes(plan)) == plan


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        plan_to_bytes(PLAN).replace(b"start", b"begin"),
        plan_to_bytes(PLAN).replace(b"rungs", b"rings"),
        plan_to_bytes(PLAN).replace(b"0164001f", b"nothexed"),
    ],
)
def test_nonsense_is_no_plan(data: bytes) -> None:
    with pytest.raises(MalformedPlan):
        plan_from_bytes(data)
