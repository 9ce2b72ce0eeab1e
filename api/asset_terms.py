"""What sources and uploads were set to, as the packager understands it."""

from ingest.source import Source
from media.delivery import Delivery
from packager.asset_terms import AssetTerms, Encryption

ENCRYPTIONS = {
    Delivery.DIRECT: Encryption.NONE,
    Delivery.KEYS: Encryption.AES_128,
    Delivery.KEYS_CBCS: Encryption.CBCS,
}


def terms_of_source(source: Source) -> AssetTerms:
    """The terms of an asset that begins now."""
    dvr_ms = None if source.dvr_seconds is None else source.dvr_seconds * 1000
    return AssetTerms(dvr_ms, ENCRYPTIONS[source.delivery])
