"""How often Python looks for reference cycles."""

import gc

# The default looks through the young objects after every 2,000 new ones. A server with thousands
# of open sessions makes that many with each batch and few of them die in cycles.
_YOUNG, _MIDDLE, _OLD = 20_000, 50, 100


def collect_later() -> None:
    """Not at all until `collect_rarely`: what is imported stays, and looking through it again and
    again takes a tenth of a start.
    """
    gc.disable()


def collect_rarely() -> None:
    """To be called once everything long-lived has been imported and made."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
