"""Rules about the files that playlists name."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urljoin

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tests.hls_validator.boxes import Fragment, Init, Unreadable, read_fragments, read_init
from tests.hls_validator.observation import Fetched, Loaded
from tests.hls_validator.playlist import Entry, Key, Map, MediaPlaylist, Multivariant, Part, Segment
from tests.hls_validator.rule import Rule, Violation
from tests.hls_validator.single import name_of

Files = Mapping[tuple[str, str], Fetched]

# Seconds: sound is cut between frames of at most 43 ms, pictures at most 100 ms apart.
_DURATION_TOLERANCE = 0.12
_KEY_BYTES = 16
# What a live may exceed its BANDWIDTH by, and a recording (Apple's authoring rules, 1.31, 1.32).
_LIVE_SHARE_MAX, _RECORDED_SHARE_MAX = 1.25, 1.1


class Track:
    """The files of one media playlist, in their order.

    Attributes:
        broken: the rules that they break.
        codecs: of the first init segment, as in RFC 6381: a publisher that returns may have others.
        peak: bits a second of the largest segment.
    """

    def __init__(self, name: str, url: str, files: Files) -> None:
        self._name = name
        self._url = url
        self._files = files
        self._inits: dict[str, Init | None] = {}
        self._next: tuple[int, int, int] | None = None
        self.broken: list[Violation] = []
        self.peak = 0.0

    @property
    def codecs(self) -> set[str]:
        first = next(iter(self._inits.values()), None)
        return set() if first is None else {first.codec}

    def check(self, playlist: MediaPlaylist) -> None:
        """`playlist` has every segment that there ever was, with every part."""
        for segment in playlist.segments:
            if segment.key is not None:
                self._check_key(segment.key)
            body = self._body(segment.uri, segment.byte_range)
            if body is None or segment.gap:
                self._next = None
            elif segment.uri.partition("?")[0].endswith(".vtt"):
                self._check_captions(segment, body)
            else:
                self._check_segment(playlist, segment, body)

    def _say(self, rule: Rule, what: str, detail: str) -> None:
        self.broken.append(rule.broken(f"{self._name} {what}", detail))

    def _body(self, uri: str, byte_range: str = "") -> bytes | None:
        """None when it was not loaded, or is not there, which is a violation."""
        fetched = self._files.get((urljoin(self._url, uri), byte_range))
        if fetched is None:
            return None
        if fetched.status not in (200, 206):
            self._say(Rule.FILE_THERE, uri.rpartition("/")[2], f"status {fetched.status}")
            return None
        return fetched.body

    def _check_key(self, key: Key) -> None:
        body = self._body(key.uri)
        if body is not None and len(body) != _KEY_BYTES:
            self._say(Rule.KEY_LENGTH, key.uri, f"{len(body)} bytes")

    def _check_captions(self, segment: Segment, body: bytes) -> None:
        if not body.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
            self._say(Rule.CAPTIONS, name_of(segment), repr(body[:20]))

    def _check_segment(self, playlist: MediaPlaylist, segment: Segment, body: bytes) -> None:
        init = self._init(segment)
        plain = self._decrypted(segment.key, segment.sequence, body, name_of(segment))
        if init is None or plain is None:
            self._next = None
            return
        try:
            fragments = read_fragments(plain, init)
        except Unreadable as reason:
            rule = Rule.DECRYPTS if segment.key else Rule.MEDIA_CONTINUOUS
            self._say(rule, name_of(segment), str(reason))
            return
        if playlist.iframes_only:
            self._check_picture(segment, fragments)
            return
        if 2 * segment.duration >= playlist.target_duration:
            self.peak = max(self.peak, len(body) * 8 / float(segment.duration))
        self._check_times(segment, fragments, init)
        if playlist.independent and not fragments[0].sync_first:
            self._say(Rule.KEYFRAME_FIRST, name_of(segment), "EXT-X-INDEPENDENT-SEGMENTS")
        self._check_parts(segment, body, init)

    def _init(self, segment: Segment) -> Init | None:
        if segment.map is None:
            return None
        uri = segment.map.uri
        if uri not in self._inits:
            self._inits[uri] = self._read_init(segment.map, segment.sequence)
        return self._inits[uri]

    def _read_init(self, map_: Map, sequence: int) -> Init | None:
        name = map_.uri.rpartition("/")[2]
        body = self._body(map_.uri)
        plain = None if body is None else self._decrypted(map_.key, sequence, body, name)
        if plain is None:
            return None
        try:
            init = read_init(plain)
        except Unreadable as reason:
            self._say(Rule.INIT_SINGLE, name, str(reason))
            return None
        if init.tracks != 1:
            self._say(Rule.INIT_SINGLE, name, f"{init.tracks} tracks")
        return init

    def _decrypted(self, key: Key | None, sequence: int, body: bytes, what: str) -> bytes | None:
        """Boxes of what is encrypted sample by sample are plain."""
        if key is None or key.method != "AES-128":
            return body
        secret = self._body(key.uri)
        if secret is None or len(secret) != _KEY_BYTES:
            return None
        vector = sequence.to_bytes(_KEY_BYTES) if key.iv is None else _bytes_of(key.iv)
        try:
            decryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).decryptor()
            padded = decryptor.update(body) + decryptor.finalize()
            unpadder = PKCS7(128).unpadder()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError as reason:
            self._say(Rule.DECRYPTS, what, str(reason))
            return None

    def _check_picture(self, segment: Segment, fragments: Sequence[Fragment]) -> None:
        count = sum(len(fragment.durations) for fragment in fragments)
        if count != 1 or not fragments[0].sync_first:
            self._say(Rule.IFRAMES_SINGLE, name_of(segment), f"{count} pictures")

    def _check_times(self, segment: Segment, fragments: Sequence[Fragment], init: Init) -> None:
        expected = self._time_of(segment, init)
        for fragment in fragments:
            if expected is not None and fragment.decode_time != expected:
                detail = f"decode time {fragment.decode_time}, not {expected}"
                self._say(Rule.MEDIA_CONTINUOUS, name_of(segment), detail)
            expected = fragment.end
        self._next = (segment.sequence + 1, fragments[-1].end, init.timescale)
        lasting = (fragments[-1].end - fragments[0].decode_time) / init.timescale
        if abs(lasting - float(segment.duration)) > _DURATION_TOLERANCE:
            detail = f"{lasting:.3f} s, EXTINF says {segment.duration}"
            self._say(Rule.DURATION_TRUE, name_of(segment), detail)

    def _time_of(self, segment: Segment, init: Init) -> int | None:
        """With which decode time it has to begin; None when it may begin with any."""
        if self._next is None or segment.discontinuity:
            return None
        sequence, time, timescale = self._next
        return time if (sequence, timescale) == (segment.sequence, init.timescale) else None

    def _check_parts(self, segment: Segment, body: bytes, init: Init) -> None:
        bodies = [self._body(part.uri) for part in segment.parts if not part.gap]
        for number, (part, piece) in enumerate(zip(segment.parts, bodies, strict=False)):
            if piece is not None:
                self._check_part(part, piece, init, f"{name_of(segment)} part {number}")
        whole = [piece for piece in bodies if piece is not None]
        if len(whole) == len(segment.parts) > 0 and b"".join(whole) != body:
            sizes = f"{sum(map(len, whole))} bytes in parts, {len(body)} in the segment"
            self._say(Rule.PARTS_ARE_SEGMENT, name_of(segment), sizes)

    def _check_part(self, part: Part, body: bytes, init: Init, what: str) -> None:
        try:
            fragments = read_fragments(body, init)
        except Unreadable as reason:
            self._say(Rule.MEDIA_CONTINUOUS, what, str(reason))
            return
        if part.independent and not fragments[0].sync_first:
            self._say(Rule.KEYFRAME_FIRST, what, "INDEPENDENT=YES")


def _bytes_of(number: str) -> bytes:
    return int(number, 16).to_bytes(_KEY_BYTES)


def check_variants(
    playlist: Multivariant, url: str, tracks: Mapping[str, Track], loads: Mapping[str, Loaded]
) -> Iterator[Violation]:
    """What a multivariant playlist says of files, next to what is in them. By URL."""
    for variant in playlist.variants:
        own = urljoin(url, variant.uri)
        sounds = [
            urljoin(url, entry.uri)
            for entry in playlist.media
            if _is_in(entry, "AUDIO", variant) and entry.uri
        ]
        if own in tracks:
            yield from _codecs(variant, {own, *sounds}, tracks)
            live = own in loads and not loads[own].playlist.ended
            yield from _bandwidth(variant, tracks[own], [tracks[x] for x in sounds], live=live)


def _is_in(entry: Entry, type_: str, variant: Entry) -> bool:
    return entry.get("TYPE") == type_ and entry.get("GROUP-ID") == variant.get(type_)


def _codecs(variant: Entry, urls: set[str], tracks: Mapping[str, Track]) -> Iterator[Violation]:
    told = {codec.lower() for codec in variant.get("CODECS").split(",")}
    found = {codec.lower() for url in urls if url in tracks for codec in tracks[url].codecs}
    if not found <= told:
        detail = f"{sorted(found)} in files, CODECS says {sorted(told)}"
        yield Rule.VARIANT_CODECS.broken(variant.uri, detail)


def _bandwidth(
    variant: Entry, track: Track, sounds: Sequence[Track], *, live: bool
) -> Iterator[Violation]:
    peak = track.peak + max((sound.peak for sound in sounds), default=0)
    told = int(variant.get("BANDWIDTH") or 0)
    if peak > told * (_LIVE_SHARE_MAX if live else _RECORDED_SHARE_MAX):
        yield Rule.VARIANT_BANDWIDTH.broken(variant.uri, f"{peak:.0f} bit/s, told {told}")
