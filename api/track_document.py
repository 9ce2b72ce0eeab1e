"""What a viewer can choose besides the quality, as JSON."""

from packager.naming import captions_key
from packager.package import Package

_UNDETERMINED = "und"  # BCP 47


def tracks_json(package: Package | None) -> dict[str, object]:
    """`audio` and `captions` of a content's document; the first sound is the default.

    `key` is what the routes of captions call them: mostly their language in small letters.
    """
    return {
        "audio": [
            {
                "name": each.name,
                "label": each.label,
                "language": each.language or _UNDETERMINED,
                "channels": each.channels,
            }
            for each in (() if package is None else package.audio)
        ],
        "captions": [
            {
                "key": captions_key(each.name),
                "label": each.label,
                "language": each.language or _UNDETERMINED,
                "default": each.default,
                "forced": each.forced,
            }
            for each in (() if package is None else package.captions)
        ],
    }
