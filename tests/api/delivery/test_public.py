"""In key mode segments are for everybody, and keys for those who pay."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.auth.playback_token import Grant, PlaybackTokens
from api.delivery.answer import Answer
from api.delivery.head import read_head
from api.delivery.playback import Playback
from api.delivery.request import MediaRequest
from api.errors import Problem
from config.clock import ManualClock
from metering.errors import InsufficientFunds
from metering.intake import Intake
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import MeterRules
from metering.store import MemoryMeterStore
from metering.tariff import Price
from packager.archive import Archive
from packager.asset_terms import AssetTerms, Encryption
from packager.hls.key_schedule import KeySchedule
from packager.hls.protection import Protections
from packager.library import HlsSettings, Library, UnknownSegment
from packager.playlist_text import token_group
from tests.packager.clip import Clip, audio_clip, video_clip
from tests.packager.feeding import feed, renditions_of

CLIPS: dict[str, Clip] = {"360p": video_clip(), "audio": audio_clip()}
SCHEDULE = KeySchedule(b"secret")
STROOPS_PER_SECOND = 10


@dataclass
class Rig:
    """Two lives, `ast_keys` in key mode and `ast_direct`; a meter that has no viewers yet."""

    playback: Playback
    intake: Intake
    tokens: PlaybackTokens
    clock: ManualClock

    async def ask(self, request_line: str, *fields: str) -> Answer:
        """As the raw parser reads it, and answered as the raw protocol does it."""
        text = "\r\n".join((f"{request_line} HTTP/1.1", "Host: a", *fields, "", ""))
        head = read_head(text.encode())
        assert isinstance(head, MediaRequest)
        answer = self.playback.at_once(head)
        found = answer if isinstance(answer, Answer) else await self.playback.later(head)
        if found.delivery is not None:
            self.playback.finish(found.delivery, complete=True)
        return found

    async def grant(self, viewer: str, seconds: int) -> Grant:
        """A session of a viewer who can pay so many seconds."""
        await self.intake.fund(viewer, Stroops(STROOPS_PER_SECOND * seconds), viewer)
        price = Price("XLM", STROOPS_PER_SECOND, 1)
        session = await self.intake.open(viewer, "ast_keys", "acc_creator", price)
        return Grant(session.session_id, self.clock.wall_ms() // 1000 + 3_600)

    def key(self, grant: Grant, number: int) -> str:
        token = self.tokens.media_token(grant, "ast_keys", token_group(number)).decode()
        return f"/hls/ast_keys/{token}/keys/{number}.key"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    clock, store = ManualClock(), MemoryMeterStore()
    settings = HlsSettings(2000, part_target_ms=0, protections=Protections(SCHEDULE))
    library = Library(Archive(tmp_path, clock), clock, settings)
    await library.start()
    for asset, encryption in (("ast_keys", Encryption.AES_128), ("ast_direct", Encryption.NONE)):
        origin = library.start_live(asset, AssetTerms(None, encryption))
        origin.begin(renditions_of(CLIPS))
        feed(origin, CLIPS)
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    filled = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fund")
    await store.post([hot, treasury], [filled])
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    tokens = PlaybackTokens(bytes(32))
    yield Rig(Playback(library, intake, tokens, clock, 1_000), intake, tokens, clock)
    await intake.stop()
    await library.stop()


async def test_segments_are_for_everybody_and_for_good(rig: Rig) -> None:
    for path in ("360p/0.m4s", "audio/1.m4s", "360p/init-0.mp4"):
        whole = await rig.ask(f"GET /media/ast_keys/{path}")
        fields = dict(whole.kind.pairs)
        assert (whole.status, whole.delivery) == (200, None)
        assert fields["Cache-Control"] == "public, max-age=31536000, immutable"
        assert fields["Access-Control-Allow-Origin"] == "*"
        assert fields["Content-Type"] == "video/mp4"
        tag = dict(whole.pairs())["ETag"]
        head = await rig.ask(f"HEAD /media/ast_keys/{path}")
        assert (head.status, head.length, bytes(head.body)) == (200, whole.length, b"")
        piece = await rig.ask(f"GET /media/ast_keys/{path}", "Range: bytes=5-9")
        assert (piece.status, bytes(piece.body)) == (206, bytes(whole.body)[5:10])
        known = await rig.ask(f"GET /media/ast_keys/{path}", f"If-None-Match: {tag}")
        assert (known.status, bytes(known.body)) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "ast_keys/keys/0.key",
        "ast_keys/360p/index.m3u8",
        "ast_keys/master.m3u8",
        "ast_keys/360p/0.0.m4s",
        "ast_keys/360p/0.iframe.m4s",
        "ast_direct/360p/0.m4s",
        "ast_direct/360p/init-0.mp4",
        "ast_unknown/360p/0.m4s",
    ],
)
async def test_nothing_else_is(rig: Rig, path: str) -> None:
    with pytest.raises(Problem) as refused:
        await rig.ask(f"GET /media/{path}")
    assert refused.value.status == 404


async def test_a_segment_that_is_not_there_may_come(rig: Rig) -> None:
    with pytest.raises(UnknownSegment):
        await rig.ask("GET /media/ast_keys/360p/99.m4s")


async def test_a_key_is_billed_once_however_often_it_is_asked_for(rig: Rig) -> None:
    grant = await rig.grant("acc_viewer", 100)

    for number in (0, 1, 1, 0, 0):
        answer = await rig.ask(f"GET {rig.key(grant, number)}")
        assert bytes(answer.body) == SCHEDULE.key("ast_keys", number)
        assert dict(answer.kind.pairs)["Cache-Control"] == "private, no-store"
    rig.clock.advance(10_000)

    summary = await rig.intake.close(grant.session_id)
    assert summary.seconds_billed == 4
    balance = await rig.intake.balance("acc_viewer")
    assert balance.available == STROOPS_PER_SECOND * 96


async def test_looking_at_a_key_neither_gives_nor_bills_it(rig: Rig) -> None:
    grant = await rig.grant("acc_viewer", 100)
    answer = await rig.ask(f"HEAD {rig.key(grant, 0)}")
    assert (answer.status, answer.length, bytes(answer.body)) == (200, 16, b"")
    rig.clock.advance(10_000)
    assert (await rig.intake.close(grant.session_id)).seconds_billed == 0


async def test_a_key_is_for_those_who_can_pay_it_and_with_the_token_of_its_group(rig: Rig) -> None:
    grant = await rig.grant("acc_poor", 2)
    await rig.ask(f"GET {rig.key(grant, 0)}")
    with pytest.raises(InsufficientFunds):
        await rig.ask(f"GET {rig.key(grant, 1)}")
    other = rig.tokens.media_token(grant, "ast_keys", 7).decode()
    with pytest.raises(Problem) as refused:
        await rig.ask(f"GET /hls/ast_keys/{other}/keys/0.key")
    assert refused.value.status == 403
