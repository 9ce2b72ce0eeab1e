"""Run a signer beside the server that starts it: `python -m metering.signer CONTROL`."""

import sys
from pathlib import Path

from config import logs
from config.child import die_with_parent
from config.memory import hide_memory
from metering.signer.brief import read_brief
from metering.signer.entrance import HandedDown, descriptor_socket
from metering.signer.guard import keep_working
from metering.signer.process import work
from metering.signer.vault import prepare


def main(arguments: list[str]) -> int:
    """Sign until the other end of CONTROL, an inherited socket, is closed.

    What else there is to know is said on standard input (`Brief`).
    """
    die_with_parent()
    brief = read_brief(sys.stdin.buffer.read())
    hide_memory()
    logs.set_up(brief.log_level, brief.log_format)
    prepare(Path(brief.folder), Path(brief.former_seed))
    entrance = HandedDown(descriptor_socket(int(arguments[0])))
    return keep_working(lambda: work(brief, entrance, beside=True))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
