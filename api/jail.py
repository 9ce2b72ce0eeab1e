"""Whether this machine can lock up media workers as well as it is asked to."""

from media.jail.report import JailReport, ProbeFailed, probe_jail


class JailTooWeak(Exception):
    """Workers cannot be locked in as well as the settings ask for; the text says how far."""


async def check_jail(minimum: int) -> JailReport:
    """Probe the jail once.

    Raises:
        JailTooWeak: it is weaker than `minimum`, or could not be probed.
    """
    try:
        report = await probe_jail()
    except ProbeFailed as error:
        raise JailTooWeak(f"the jail of media workers cannot be probed: {error}") from error
    if (shortfall := report.shortfall(minimum)) is not None:
        raise JailTooWeak(f"{shortfall}; `tollcast doctor` tells what can be done")
    return report
