"""How the segments of one asset are encrypted, and what its playlists say of it."""

from dataclasses import dataclass

from packager.asset_terms import Encryption
from packager.hls.cbcs_fragment import protect_segment
from packager.hls.cbcs_init import protect_init
from packager.hls.cbcs_sample import SampleKey
from packager.hls.cipher import encrypt_padded
from packager.hls.key_schedule import KeySchedule
from packager.naming import KeyPath, init_name, path_text, segment_name
from packager.playlist_text import opened_by_token

PUBLIC_FOLDER = "media"
"""Under which init segments and segments are served to everybody."""


@dataclass(frozen=True, slots=True)
class Protection:
    """Keys of an asset whose segments are public.

    Neighbouring segments share a key: their period is called by the number of the first of them.

    Attributes:
        key_segments: how many share one.
        media_url: what the public URIs begin with: a CDN, or nothing for the same host.
    """

    asset_id: str
    encryption: Encryption
    key_segments: int
    schedule: KeySchedule
    media_url: str

    @property
    def init_is_clear(self) -> bool:
        """Whether there is one init segment for all keys, in clear.

        By Common Encryption it names the key, so there is one for each period.
        """
        return self.encryption is Encryption.AES_128

    def period(self, sequence: int) -> int:
        """The period of a segment."""
        return sequence - sequence % self.key_segments

    def key(self, period: int) -> bytes:
        return self.schedule.key(self.asset_id, period)

    def key_tag(self, period: int) -> str:
        """EXT-X-KEY (rfc8216bis, 4.4.4.4); with a hole for the token of the period's group."""
        vector = self.schedule.vector(self.asset_id, period).hex()
        uri = opened_by_token(path_text(KeyPath(period)))
        if self.init_is_clear:
            return f'#EXT-X-KEY:METHOD=AES-128,URI="{uri}",IV=0x{vector}'
        # By its name modules that decrypt know a key; without it players have to wait for the init
        # segment. No standard has the attribute, which players of several DRM systems read.
        key_id = self.schedule.key_id(self.asset_id, period).hex()
        sample = f'KEYFORMAT="identity",KEYID=0x{key_id}'
        return f'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{uri}",IV=0x{vector},{sample}'

    def segment_uri(self, rendition: str, sequence: int) -> str:
        return self._public(f"{rendition}/{segment_name(sequence)}")

    def init_uri(self, rendition: str, epoch: int, sequence: int) -> str:
        """Of the init segment that a segment needs."""
        period = None if self.init_is_clear else self.period(sequence)
        return self._public(f"{rendition}/{init_name(epoch, period)}")

    def _public(self, path: str) -> str:
        return f"{self.media_url}/{PUBLIC_FOLDER}/{self.asset_id}/{path}"

    def encrypt(self, sequence: int, segment: bytes, init: bytes) -> bytes:
        """A segment as it is public: the same bytes whenever and wherever they are made.

        Args:
            segment, init: in clear.

        Raises:
            MalformedBoxes, MalformedConfiguration: they are not as we write them.
        """
        if self.init_is_clear:
            period = self.period(sequence)
            vector = self.schedule.vector(self.asset_id, period)
            return encrypt_padded(self.key(period), vector, segment)
        return protect_segment(segment, init, self._sample_key(self.period(sequence)))

    def mark(self, init: bytes, period: int) -> bytes:
        """The init segment of a period, which says how its samples are encrypted.

        Raises:
            MalformedBoxes: it is not as we write them.
        """
        key_id = self.schedule.key_id(self.asset_id, period)
        return protect_init(init, self._sample_key(period), key_id)

    def _sample_key(self, period: int) -> SampleKey:
        return SampleKey(self.key(period), self.schedule.vector(self.asset_id, period))


@dataclass(frozen=True, slots=True)
class Protections:
    """Makes the protection of each asset that has one.

    Attributes:
        schedule: None: there can be no encrypted asset.
        media_url: see `Protection`.
    """

    schedule: KeySchedule | None = None
    media_url: str = ""

    def of(self, asset_id: str, encryption: Encryption, key_segments: int = 1) -> Protection | None:
        """What an asset's segments are encrypted with; None when they are not."""
        if encryption is Encryption.NONE:
            return None
        assert self.schedule is not None, "who has encrypted assets has their keys"
        return Protection(asset_id, encryption, key_segments, self.schedule, self.media_url)
