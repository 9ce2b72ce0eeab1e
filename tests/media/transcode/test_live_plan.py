"""A decision becomes a plan for its encoders."""

from dataclasses import replace

from media.transcode.conversation import Patience
from media.transcode.live_plan import live_plan, patience_with, rungs_below
from media.transcode.observation import Decision, Verdict
from media.transcode.picture_plan import LIVE_PICTURES
from media.transcode.plan import EncoderSettings
from media.transcode.settings import TranscodeSettings
from tests.media.transcode.synthetic import video_source

VIDEO = video_source(854, 480).track
ENCODED = Decision(VIDEO, (), Verdict(passed_through=False))
PASSED = Decision(VIDEO, (), Verdict(passed_through=True))


def names(decision: Decision) -> list[str]:
    return [rung.name for rung in rungs_below(decision)]


def test_rungs_come_below_what_is_passed_through() -> None:
    assert names(ENCODED) == ["480p", "360p"]
    assert names(PASSED) == ["360p"]
    assert names(Decision(None, (), None)) == []
    too_large = replace(VIDEO, width=8192, height=4320)
    assert names(replace(ENCODED, video=too_large)) == []


def test_a_plan_says_who_decides_on_boundaries_and_what_the_settings_say() -> None:
    settings = TranscodeSettings(encoder=EncoderSettings(preset="auto"), segment_ticks=90_000)
    rungs = rungs_below(PASSED)
    plan = live_plan(PASSED, rungs, settings, 7, LIVE_PICTURES)
    assert (plan.named_boundaries, plan.start, plan.segment_ticks) == (True, 7, 90_000)
    assert (plan.rungs, plan.coding, plan.configuration) == (rungs, VIDEO.coding, VIDEO.extradata)
    # Nobody knows yet which preset it will be, so none may look ahead.
    assert not plan.encoder.lookahead
    assert not live_plan(ENCODED, rungs, settings, None, LIVE_PICTURES).named_boundaries


def test_wide_colours_are_waited_for() -> None:
    patience = Patience(start_ms=1)
    wide = replace(ENCODED, video=replace(VIDEO, codec="hvc1.2.4.L120.B0", extradata=b""))
    assert patience_with(ENCODED, rungs_below(ENCODED), patience) == patience
    assert patience_with(wide, rungs_below(wide), patience).start_ms > 1
    assert patience_with(wide, (), patience) == patience
