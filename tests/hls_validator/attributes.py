"""Attribute lists (rfc8216bis, 4.2), and which tag has which attributes of which type."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.hls_validator.rule import Rule, Violation

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s][^",]*)(?:,|$)')

INTEGER = re.compile(r"\d{1,20}")
HEX = re.compile(r"0[xX][0-9A-Fa-f]+")
FLOAT = re.compile(r"\d+(\.\d+)?")
SIGNED = re.compile(r"-?\d+(\.\d+)?")
STRING = re.compile(r'"[^"\r\n]*"')
SIZE = re.compile(r"\d+x\d+")
YES = re.compile(r"YES")
YES_NO = re.compile(r"YES|NO")
IV = re.compile(r"0[xX][0-9A-Fa-f]{32}")


def _one_of(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)))


@dataclass(frozen=True, slots=True)
class Form:
    """Of a tag: the attributes that it must have, and those that it may have."""

    required: Mapping[str, re.Pattern[str]]
    optional: Mapping[str, re.Pattern[str]]


_MEDIA_TYPES = _one_of("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS")
_METHODS = _one_of("NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR")
_STREAM = {
    "AVERAGE-BANDWIDTH": INTEGER,
    "CODECS": STRING,
    "SUPPLEMENTAL-CODECS": STRING,
    "RESOLUTION": SIZE,
    "SCORE": FLOAT,
    "HDCP-LEVEL": _one_of("TYPE-0", "TYPE-1", "NONE"),
    "ALLOWED-CPC": STRING,
    "VIDEO-RANGE": _one_of("SDR", "HLG", "PQ"),
    "STABLE-VARIANT-ID": STRING,
    "VIDEO": STRING,
    "PATHWAY-ID": STRING,
    "NAME": STRING,  # not of the specification, but understood by all
}
FORMS: Mapping[str, Form] = {
    "EXT-X-START": Form({"TIME-OFFSET": SIGNED}, {"PRECISE": YES_NO}),
    "EXT-X-PART-INF": Form({"PART-TARGET": FLOAT}, {}),
    "EXT-X-SERVER-CONTROL": Form(
        {},
        {
            "CAN-SKIP-UNTIL": FLOAT,
            "CAN-SKIP-DATERANGES": YES,
            "HOLD-BACK": FLOAT,
            "PART-HOLD-BACK": FLOAT,
            "CAN-BLOCK-RELOAD": YES,
        },
    ),
    "EXT-X-KEY": Form(
        {"METHOD": _METHODS},
        {"URI": STRING, "IV": IV, "KEYFORMAT": STRING, "KEYFORMATVERSIONS": STRING},
    ),
    "EXT-X-MAP": Form({"URI": STRING}, {"BYTERANGE": STRING}),
    "EXT-X-PART": Form(
        {"URI": STRING, "DURATION": FLOAT},
        {"INDEPENDENT": YES, "BYTERANGE": STRING, "GAP": YES},
    ),
    "EXT-X-SKIP": Form({"SKIPPED-SEGMENTS": INTEGER}, {"RECENTLY-REMOVED-DATERANGES": STRING}),
    "EXT-X-PRELOAD-HINT": Form(
        {"TYPE": _one_of("PART", "MAP"), "URI": STRING},
        {"BYTERANGE-START": INTEGER, "BYTERANGE-LENGTH": INTEGER},
    ),
    "EXT-X-RENDITION-REPORT": Form({"URI": STRING, "LAST-MSN": INTEGER}, {"LAST-PART": INTEGER}),
    "EXT-X-MEDIA": Form(
        {"TYPE": _MEDIA_TYPES, "GROUP-ID": STRING, "NAME": STRING},
        {
            "URI": STRING,
            "LANGUAGE": STRING,
            "ASSOC-LANGUAGE": STRING,
            "STABLE-RENDITION-ID": STRING,
            "DEFAULT": YES_NO,
            "AUTOSELECT": YES_NO,
            "FORCED": YES_NO,
            "INSTREAM-ID": STRING,
            "CHARACTERISTICS": STRING,
            "CHANNELS": STRING,
            "BIT-DEPTH": INTEGER,
            "SAMPLE-RATE": INTEGER,
        },
    ),
    "EXT-X-STREAM-INF": Form(
        {"BANDWIDTH": INTEGER, "CODECS": STRING},
        {
            **_STREAM,
            "FRAME-RATE": FLOAT,
            "AUDIO": STRING,
            "SUBTITLES": STRING,
            "CLOSED-CAPTIONS": re.compile(r'NONE|"[^"]*"'),
        },
    ),
    "EXT-X-I-FRAME-STREAM-INF": Form({"BANDWIDTH": INTEGER, "URI": STRING}, _STREAM),
    "EXT-X-SESSION-KEY": Form(
        {"METHOD": _METHODS, "URI": STRING},
        {"IV": IV, "KEYFORMAT": STRING, "KEYFORMATVERSIONS": STRING},
    ),
    "EXT-X-DATERANGE": Form({"ID": STRING}, {"START-DATE": STRING, "DURATION": FLOAT}),
}


def read(text: str) -> dict[str, str] | None:
    """The attributes, strings still in quotes; None when it is no attribute list."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None or match[1] in found:
            return None
        found[match[1]] = match[2]
        position = match.end()
    return None if text.endswith(",") else found


def check(tag: str, attributes: Mapping[str, str], where: str) -> Iterator[Violation]:
    """Whether all that must be there is, and of what type each is. Unknown ones are ignored."""
    form = FORMS[tag]
    for name in form.required.keys() - attributes.keys():
        yield Rule.ATTRIBUTE_REQUIRED.broken(where, f"{tag} has no {name}")
    known = {**form.required, **form.optional}
    for name, value in attributes.items():
        if name in known and not known[name].fullmatch(value):
            yield Rule.ATTRIBUTE_TYPE.broken(where, f"{tag} has {name}={value}")
