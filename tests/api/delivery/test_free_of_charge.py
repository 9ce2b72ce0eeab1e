"""What costs nothing: answers without a body, and media in which we have lost something."""

from http import HTTPStatus

import pytest
from aiohttp import ClientSession

from packager.naming import MP4, SegmentPath
from packager.package import Charge, MediaFile
from tests.api.delivery.site import RENDITION, UNITS, Film, Site, open_site

SEGMENT = f"{RENDITION}/0.m4s"
AT_HAND = pytest.mark.parametrize("at_hand", [True, False])


def film_of(charge: Charge, *, at_hand: bool) -> Film:
    """A film whose first segment is charged like that."""
    return Film(at_hand=at_hand, remembered={0: MediaFile(b"moof" * 1_000, MP4, charge)})


async def held(site: Site) -> tuple[int, int]:
    """What the viewer can spend, and what is reserved of it."""
    available, reserved = await site.intake.balance("acc_viewer")
    return int(available), int(reserved)


@AT_HAND
async def test_an_answer_without_a_body_holds_and_charges_nothing(at_hand: bool) -> None:
    film = film_of(Charge(0, 0, UNITS), at_hand=at_hand)
    async with open_site(film=film) as site, ClientSession() as http:
        grant = await site.session()
        before = await held(site)
        url = f"http://127.0.0.1:{site.port}{site.url(grant, SEGMENT)}"
        async with http.head(url) as answer:
            assert answer.status == HTTPStatus.OK
            tag = answer.headers["ETag"]
        for status, headers in (
            (HTTPStatus.NOT_MODIFIED, {"If-None-Match": tag}),
            (HTTPStatus.PRECONDITION_FAILED, {"If-Match": '"other"'}),
            (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Range": "bytes=9999999-"}),
        ):
            async with http.get(url, headers=headers) as answer:
                assert (answer.status, await answer.read()) == (status, b"")
        assert await held(site) == before
        closed = await site.intake.close(grant.session_id)
        assert (closed.delivered_seconds, closed.seconds_billed) == (0, 0)
        # Nor is it for who has no session any more.
        async with http.head(url) as answer:
            assert answer.status == HTTPStatus.FORBIDDEN


@AT_HAND
async def test_what_we_have_lost_something_in_is_sent_for_nothing_and_told(at_hand: bool) -> None:
    lost = Charge(0, 0, UNITS, waived=True)
    film = film_of(lost, at_hand=at_hand)
    assert film._file(SegmentPath(RENDITION, 0)) is film.remembered[0]
    async with open_site(film=film) as site, ClientSession() as http:
        grant = await site.session()
        before = await held(site)
        url = f"http://127.0.0.1:{site.port}{site.url(grant, SEGMENT)}"
        for _ in range(2):
            async with http.get(url) as answer:
                assert (answer.status, len(await answer.read())) == (HTTPStatus.OK, 4_000)
        assert await held(site) == before
        closed = await site.intake.close(grant.session_id)
        assert (closed.seconds_waived, closed.seconds_billed, closed.amount) == (2, 0, 0)
        assert await held(site) == before
