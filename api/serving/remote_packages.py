"""The main process's packages, as a serving process finds them."""

import asyncio

from api.serving.messages import AssetIs, FindAsset
from api.serving.questions import Questions, Told
from api.serving.remote_package import Kept, RemotePackage
from config.clock import Clock
from config.limits import (
    SERVING_ASSETS_MAX,
    SERVING_FILES_BYTES_MAX,
    SERVING_LOOK_MS,
    SERVING_PLAYLISTS_BYTES_MAX,
)
from packager.least_recent import LeastRecent
from packager.package import UnknownAsset


class RemotePackages:
    """Assets that were asked for lately, with what of them is kept."""

    def __init__(self, questions: Questions, clock: Clock) -> None:
        self._questions = questions
        self._clock = clock
        self._packages: LeastRecent[str, RemotePackage] = LeastRecent(SERVING_ASSETS_MAX)
        self._kept = Kept(
            LeastRecent(SERVING_PLAYLISTS_BYTES_MAX), LeastRecent(SERVING_FILES_BYTES_MAX)
        )

    def at_hand(self, asset_id: str) -> RemotePackage | None:
        """One that is known well enough."""
        package = self._packages.get(asset_id)
        if package is None or package.stable:
            return package
        age_ms = self._clock.monotonic_ms() - package.found_ms
        return package if age_ms < SERVING_LOOK_MS else None

    async def get(self, asset_id: str) -> RemotePackage | None:
        """One that exists."""
        package = self.at_hand(asset_id)
        if package is not None:
            return package
        finding = self._questions.fetch(
            (FindAsset, asset_id),
            lambda number: FindAsset(number, asset_id),
            lambda told: self._found(asset_id, told),
        )
        try:
            return await asyncio.shield(finding)
        except UnknownAsset:
            return None

    def _found(self, asset_id: str, told: Told) -> RemotePackage:
        assert isinstance(told, AssetIs)
        package = self._packages.get(asset_id)
        if package is None:
            package = RemotePackage(asset_id, self._questions, self._clock, self._kept)
        package.stable, package.whole = told.stable, told.whole
        package.found_ms = self._clock.monotonic_ms()
        self._packages.put(asset_id, package, 1)
        return package
