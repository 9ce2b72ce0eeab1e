"""What is asked for in better pictures is charged for as such, however it is sent."""

import pytest
from aiohttp import ClientSession

from api.auth.playback_token import Grant
from metering.money import Stroops
from metering.tariff import Price, RungPrice, Tariff
from packager.naming import FilePath
from packager.package import MediaFile
from tests.api.delivery.site import ASSET, RENDITION, Film, open_site

TARIFF = Tariff(Price("XLM", 10, 1), rungs=(RungPrice(720, Price("XLM", 5, 1)),))


class HighFilm(Film):
    """A film whose pictures have 720 lines."""

    def _file(self, path: FilePath) -> MediaFile | None:
        file = super()._file(path)
        if file is None or file.charge is None:
            return file
        return MediaFile(file.body, file.media_type, file.charge._replace(height=720))


@pytest.mark.parametrize("at_hand", [True, False])
async def test_a_segment_of_a_rung_is_charged_with_its_surcharge(at_hand: bool) -> None:
    film = HighFilm()
    film.at_hand = at_hand
    async with open_site(film=film) as site, ClientSession() as http:
        await site.intake.fund("acc_viewer", Stroops(1_000), cause="fund")
        opened = await site.intake.open("acc_viewer", ASSET, "acc_creator", TARIFF)
        grant = Grant(opened.session_id, site.clock.wall_ms() // 1000 + 3_600)
        for sequence in (0, 1):
            path = site.url(grant, f"{RENDITION}/{sequence}.m4s")
            async with http.get(f"http://127.0.0.1:{site.port}{path}") as answer:
                assert answer.status == 200
                await answer.read()
        closed = await site.intake.close(opened.session_id)
        assert (closed.seconds_billed, closed.rung_seconds) == (2, (2,))
        assert closed.amount == 2 * (10 + 5)
