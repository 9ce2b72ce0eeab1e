"""Files that are for everybody: init segments and segments of assets whose keys are billed."""

from typing import Protocol

from api.delivery.answer import Answer
from api.delivery.file_answer import file_answer
from api.delivery.request import MediaRequest
from api.errors import not_found
from packager.naming import FilePath, InitPath, SegmentPath
from packager.package import MediaFile


class Files(Protocol):
    """What is asked of a package."""

    def file_at_hand(self, path: FilePath) -> MediaFile | None: ...
    async def file(self, path: FilePath) -> MediaFile: ...


def public_at_once(request: MediaRequest, package: Files) -> Answer | None:
    """Answer from memory. None: it needs `public_later`. Raises: Problem."""
    file = package.file_at_hand(_path(request))
    return None if file is None else _answer(request, file)


async def public_later(request: MediaRequest, package: Files) -> Answer:
    """Raises: what `api.failures` has an answer to."""
    return _answer(request, await package.file(_path(request)))


def _path(request: MediaRequest) -> FilePath:
    path = request.target.path
    if not isinstance(path, InitPath | SegmentPath):
        raise not_found("no such file")
    return path


def _answer(request: MediaRequest, file: MediaFile) -> Answer:
    """The same bytes for ever, so that caches may keep them. Raises: Problem: not for everybody."""
    if not file.public:
        raise not_found("no such file")
    assert file.charge is None, "what is billed is not public"
    return file_answer(file, request.method, request.conditions, public=True)
