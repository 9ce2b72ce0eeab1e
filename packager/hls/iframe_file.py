"""I-frames as players get them."""

from media.wire.fmp4_iframe import iframe
from packager.naming import MP4, IFramePath
from packager.package import MediaFile


def iframe_file(path: IFramePath, segment: bytes, duration: int) -> MediaFile | None:
    """The picture that a segment begins with. Nothing is billed for it.

    It advertises what is to be paid for, as the storyboard does: one still picture, of the smallest
    rendition, for some two seconds of film, to somebody who looks for the place to watch. Like all
    that is free it is given to open sessions alone.

    Args:
        duration: of the segment, in 1/90000 s.

    Returns:
        None when it begins with no keyframe.
    """
    body = iframe(segment, path.sequence + 1, duration)
    return None if body is None else MediaFile(body, MP4)
