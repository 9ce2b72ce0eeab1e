"""Whether this machine can lock up media workers as well as it is asked to."""

import structlog

from media.jail.level import Level
from media.jail.report import JailReport, ProbeFailed, probe_jail

log = structlog.get_logger(__name__)


class JailTooWeak(Exception):
    """Workers cannot be locked in as well as the settings ask for; the text says how far."""


async def check_jail(minimum: int) -> JailReport | None:
    """Probe the jail once; None when it could not be probed and does not have to hold.

    Raises:
        JailTooWeak: it is weaker than `minimum`.
    """
    try:
        report = await probe_jail()
    except ProbeFailed as error:
        if minimum > Level.NONE:
            raise JailTooWeak(f"the jail of media workers cannot be probed: {error}") from error
        log.warning("the jail of media workers cannot be probed", reason=str(error))
        return None
    if (shortfall := report.shortfall(minimum)) is not None:
        raise JailTooWeak(f"{shortfall}; `tollcast doctor` tells what can be done")
    return report
