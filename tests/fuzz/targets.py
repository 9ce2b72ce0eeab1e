"""All targets by name."""

from tests.fuzz import amf, captions, codings, credentials, flv, http, rtmp
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (amf, rtmp, flv, captions, codings, credentials, http)
    for target in module.TARGETS
}
