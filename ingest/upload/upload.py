"""An upload: a file on its way in, from the reservation of its bytes to their removal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from media.delivery import Delivery


class UploadState(StrEnum):
    """Where an upload is; it only ever moves down this list."""

    RECEIVING = "receiving"
    RECEIVED = "received"
    """All bytes are on disk; nobody has taken them on yet."""
    ACCEPTED = "accepted"
    """There is an asset and a job; the file is kept for the job."""
    DISCARDED = "discarded"
    """The file is gone and counts for nothing; its client may still ask how it went."""


class UploadError(Exception):
    """An upload cannot go on as asked."""


class UnknownUpload(UploadError):
    """There is no such upload, or not of this owner."""


class UploadExpired(UploadError):
    """Nothing came for so long that the upload was given up."""


class UploadBusy(UploadError):
    """Another request works on this upload and cannot be ended at once."""


class UploadComplete(UploadError):
    """All of it has come; it is content now, to be deleted as such."""


class TooManyBodies(UploadError):
    """This process receives as many uploads at once as it can."""


class UploadTooLarge(UploadError):
    """More bytes than one file may have, or than were declared."""


class QuotaExceeded(UploadError):
    """The owner's uploads would be larger than they may be altogether."""

    def __init__(self, left: int) -> None:
        """`left` in bytes."""
        super().__init__(f"{left} bytes of the quota are left")
        self.left = left


class TooManyUploads(UploadError):
    """The owner has begun too many uploads and finished none of them."""


class StorageFull(UploadError):
    """The disk has no room for it beside what is already promised."""


class BodyTooSlow(UploadError):
    """The body comes more slowly than any link is."""


class ChecksumMismatch(UploadError):
    """The bytes that came are not those that were sent; they were thrown away."""


class OffsetMismatch(UploadError):
    """The request begins elsewhere than where the upload has got to."""

    def __init__(self, offset: int) -> None:
        """`offset` is where it has got to, in bytes."""
        super().__init__(f"the upload has {offset} bytes")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Upload:
    """What is known of an upload besides its bytes.

    How much has come is the length of its file, nothing else: see `ingest.upload.disk`.

    Attributes:
        owner: account id of the creator.
        asset_id: of the asset it will be; fixed from the beginning.
        size: of the whole file in bytes; of a form's file the most it can be, until it has come.
        title: to be shown; filename: as the client calls it. Neither ever becomes a path.
        metadata: the client's `Upload-Metadata`, sent back as it came.
        price_stroops, price_seconds, price_asset: so many stroops of an asset for so many seconds.
        resumable: whether the client can come back and go on.
        delivery: how viewers get what is made of it.
        created_at, expires_at: aware.
    """

    id: str
    owner: str
    asset_id: str
    size: int
    title: str
    filename: str
    metadata: str
    price_stroops: int
    price_seconds: int
    price_asset: str
    resumable: bool
    state: UploadState
    created_at: datetime
    expires_at: datetime
    delivery: Delivery = Delivery.DIRECT
