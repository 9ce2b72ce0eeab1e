"""Settings in the words of those who go by them."""

from api.tiers import Tier
from config.settings import Settings
from metering.money import NATIVE
from metering.tariff import Price
from packager.hls.boundaries import target_duration_s


def price_of(settings: Settings) -> Price:
    """What a new source or upload costs until its owner says otherwise."""
    return Price(NATIVE, settings.price.stroops, settings.price.seconds)


def sessions_at_once(settings: Settings) -> dict[Tier, int]:
    sessions = settings.sessions
    return {
        Tier.FREE: sessions.free,
        Tier.BRONZE: sessions.bronze,
        Tier.SILVER: sessions.silver,
        Tier.GOLD: sessions.gold,
    }


def patience_ms(settings: Settings) -> int:
    """How long a player's request for what is to come may wait (rfc8216bis, 6.2.5.2)."""
    return 3 * 1000 * target_duration_s(settings.media.segment_milliseconds)
