"""All targets by name."""

from tests.fuzz import amf, codings, credentials, flv, rtmp
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (amf, rtmp, flv, codings, credentials)
    for target in module.TARGETS
}
