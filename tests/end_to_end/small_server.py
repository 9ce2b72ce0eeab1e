"""`tollcast` with room for a few sessions, so that it is full soon."""

import sys

import metering.admission
from api.cli import main

SESSIONS = 60

if __name__ == "__main__":
    metering.admission.LIMITS = metering.admission.LIMITS._replace(sessions=SESSIONS)
    sys.exit(main())
