"""What the encoders of a live source are to make of it."""

from collections.abc import Sequence
from dataclasses import replace

from config.limits import WIDE_WORKER_MS_MAX
from media.ladder import Rung, encoded_rungs
from media.transcode.colours import may_be_wide
from media.transcode.conversation import Patience
from media.transcode.decoding import why_not_decoded
from media.transcode.observation import Decision
from media.transcode.picture_plan import PicturePlan
from media.transcode.plan import Plan
from media.transcode.preset import AUTO
from media.transcode.settings import TranscodeSettings


def rungs_below(decision: Decision) -> tuple[Rung, ...]:
    """The rungs to encode of the one track that is shown; none of what cannot be decoded."""
    video, verdict = decision.video, decision.verdict
    if video is None or verdict is None or why_not_decoded(video.width, video.height):
        return ()
    return encoded_rungs(
        video.width, video.height, video.frame_rate, passed_through=verdict.passed_through
    )


def live_plan(
    decision: Decision,
    rungs: tuple[Rung, ...],
    settings: TranscodeSettings,
    start: int | None,
    pictures: PicturePlan,
) -> Plan:
    """The plan of a worker, for a decision with video.

    Args:
        rungs: to encode.
        start: pictures before this pts were shown in an earlier epoch.
        pictures: where posters and sheets go on.
    """
    assert decision.video is not None
    assert decision.verdict is not None
    encoder = settings.encoder
    if encoder.preset == AUTO:
        encoder = replace(encoder, lookahead=False)
    return Plan(
        coding=decision.video.coding,
        configuration=decision.video.extradata,
        frame_rate=decision.video.frame_rate,
        rungs=rungs,
        named_boundaries=decision.verdict.passed_through,
        segment_ticks=settings.segment_ticks,
        start=start,
        encoder=encoder,
        shedding=settings.shedding,
        lag_ms_max=settings.lag_ms_max,
        pictures=pictures,
    )


def patience_with(decision: Decision, rungs: Sequence[Rung], patience: Patience) -> Patience:
    """Colours that have to be mapped take their time, at the beginning."""
    if not rungs or decision.video is None or not may_be_wide(decision.video):
        return patience
    return replace(patience, start_ms=WIDE_WORKER_MS_MAX, finish_ms=WIDE_WORKER_MS_MAX)
