"""A file, a piece of it, or that nothing is new: what a request's conditions make of it."""

from functools import lru_cache

from api.delivery.answer import CORS, IMMUTABLE, PRIVATE, Answer, Kind, Shared, kind
from api.delivery.entity_tag import entity_tag, is_same, matches_strongly, matches_weakly
from api.delivery.ranges import Slice, Unsatisfiable, read_range
from api.delivery.request import UNCONDITIONAL, Conditions
from packager.package import MediaFile

_UNIT = ("Accept-Ranges", "bytes")


def file_answer(
    file: MediaFile, method: str, conditions: Conditions, *, public: bool = False
) -> Answer:
    """The answer to GET or HEAD, before anybody asked the meter.

    Only one with status 200 or 206 to GET has a body, and is to be charged; for a piece as much as
    for the whole, since a second piece costs nothing.
    """
    if conditions is UNCONDITIONAL and method == "GET" and not public:
        if not isinstance(file.answer, Answer):
            file.answer = _whole(file, method, public=False)._replace(shared=Shared())
        return file.answer
    tag = entity_tag(file.body)
    etag = f'ETag: "{tag}"\r\n'.encode()
    if conditions is not UNCONDITIONAL:
        status = _precondition(conditions, tag)
        if status != 200:
            length = None if status == 304 else 0
            return Answer(_bare(status, public=public), length, b"", None, etag)
        if method == "GET" and conditions.range is not None:
            return _ranged(file, conditions, tag, public=public)
    return _whole(file, method, public=public)


def _whole(file: MediaFile, method: str, *, public: bool) -> Answer:
    body, kind = file.body, _kind(200, file.media_type, public=public)
    etag = f'ETag: "{entity_tag(body)}"\r\n'.encode()
    return Answer(kind, len(body), body if method == "GET" else b"", None, etag)


def _precondition(conditions: Conditions, tag: str) -> int:
    """In the order of RFC 9110, 13.2.2. Media has no date of change that counts: none is looked
    at (13.1.3, 13.1.4).
    """
    if conditions.if_match is not None and not matches_strongly(conditions.if_match, tag):
        return 412
    none_match = conditions.if_none_match
    return 304 if none_match is not None and matches_weakly(none_match, tag) else 200


def _ranged(file: MediaFile, conditions: Conditions, tag: str, *, public: bool) -> Answer:
    size, etag = len(file.body), f'ETag: "{tag}"\r\n'
    piece: Slice | None = None
    if conditions.if_range is None or is_same(conditions.if_range, tag):
        try:
            piece = read_range(conditions.range or "", size)
        except Unsatisfiable:
            fields = f"{etag}Content-Range: bytes */{size}\r\n".encode()
            return Answer(_bare(416, public=public), 0, b"", None, fields)
    if piece is None:
        return Answer(
            _kind(200, file.media_type, public=public), size, file.body, None, etag.encode()
        )
    start, end = piece
    body = file.body if end - start == size else memoryview(file.body)[start:end]
    fields = f"{etag}Content-Range: bytes {start}-{end - 1}/{size}\r\n".encode()
    return Answer(_kind(206, file.media_type, public=public), end - start, body, None, fields)


@lru_cache(64)
def _kind(status: int, media_type: str, *, public: bool) -> Kind:
    cache = IMMUTABLE if public else PRIVATE
    fields = (("Content-Type", media_type), ("Cache-Control", cache), _UNIT)
    return kind(status, *fields, *CORS)


@lru_cache(16)
def _bare(status: int, *, public: bool) -> Kind:
    cache = IMMUTABLE if public and status == 304 else PRIVATE
    return kind(status, ("Cache-Control", cache), _UNIT, *CORS)
