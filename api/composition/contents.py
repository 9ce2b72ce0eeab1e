"""What can be watched: made, changed, cut and taken along."""

from dataclasses import dataclass

from api.area import RouteTable, tables
from api.auth.download_link import DownloadLinks
from api.captions import Captions
from api.clips import ClipRoutes
from api.composition.parts import Parts
from api.composition.terms import price_of
from api.content import Content
from api.content_document import ContentDocuments
from api.content_upload import ContentUpload
from api.download import Downloads
from api.download_gate import DownloadGate
from api.jobs import Jobs
from api.making import media_directory
from api.pictures import Pictures
from api.removal import Removal
from api.uploads import UploadRoutes
from config.limits import (
    CLIPS_PER_MINUTE_MAX,
    CONTENT_STREAMS_MAX,
    JOB_STREAMS_MAX,
    PRICE_CHANGES_PER_MINUTE_MAX,
)
from packager.clips import Clips
from packager.movies import Movies


@dataclass(frozen=True, slots=True)
class Contents:
    content: Content
    content_upload: ContentUpload
    uploads: UploadRoutes
    jobs: Jobs
    captions: Captions
    pictures: Pictures
    clips: ClipRoutes
    downloads: Downloads

    def routes(self) -> RouteTable:
        return tables(
            *(self.content, self.content_upload, self.uploads, self.jobs),
            *(self.captions, self.pictures, self.clips, self.downloads),
        )


def contents(parts: Parts) -> Contents:
    making, library = parts.media.making, parts.media.library
    catalogue, bearers, clock = parts.catalogue, parts.bearers, parts.clock
    documents = ContentDocuments(
        parts.stores.accounts, library, parts.intake, making.jobs, parts.media.broadcasts
    )
    folder, price = media_directory(parts.stores.data), price_of(parts.settings)

    async def own_document(asset_id: str) -> dict[str, object]:
        return await documents.for_owner(await catalogue.asset(asset_id))

    return Contents(
        content=Content(
            catalogue,
            documents,
            bearers,
            Removal(parts.stores.assets, making.jobs, making.uploads, library),
            parts.intake,
            parts.limit(PRICE_CHANGES_PER_MINUTE_MAX),
            parts.streams("content", CONTENT_STREAMS_MAX),
        ),
        content_upload=ContentUpload(making.uploads, bearers, price, own_document),
        uploads=UploadRoutes(making.uploads, bearers, price),
        jobs=Jobs(making.jobs, bearers, parts.streams("jobs", JOB_STREAMS_MAX)),
        captions=Captions(catalogue, library, bearers),
        pictures=Pictures(catalogue, library),
        clips=ClipRoutes(
            *(catalogue, bearers, Clips(folder), parts.limit(CLIPS_PER_MINUTE_MAX)),
            *(own_document, clock),
        ),
        downloads=Downloads(
            *(catalogue, bearers, Movies(folder), DownloadLinks(parts.token_key)),
            *(DownloadGate(), clock),
        ),
    )
