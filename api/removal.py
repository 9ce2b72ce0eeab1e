"""Takes an upload's asset out of everything that knows of it."""

from dataclasses import dataclass

from api.catalogue.asset import Asset, AssetStore
from config.job_store import JobStore
from ingest.upload.uploads import Uploads
from packager.library import Library


@dataclass(frozen=True, slots=True)
class Removal:
    """A worker that is still at it can write nothing more once the files are gone."""

    assets: AssetStore
    jobs: JobStore
    uploads: Uploads
    library: Library

    async def remove(self, asset: Asset) -> None:
        """Delete an asset that is not live, its files and its original."""
        await self.assets.remove(asset.id)
        job = await self.jobs.newest_of_subject(asset.id)
        if job is not None:
            await self.jobs.cancel(job.id)
        if asset.upload_id is not None:
            await self.uploads.discard(asset.upload_id)
        await self.library.remove(asset.id)
