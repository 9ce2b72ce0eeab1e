"""ScaledUserProp: how the flat fees of a period are divided among those who were watched.

Of Ghosh, Neoh, Teh and Tyrovolas, "Fraud-Proof Revenue Division on Subscription Platforms" (ICML
2025, arXiv 2511.04465v1, section 4). Each of n subscribers pays one fee, and creators share alpha
of all fees. Of subscriber i, who watched L_i seconds, they get min(gamma * L_i, 1) of a fee, each
creator in proportion to the seconds that were its own; gamma is the one number with which that
comes to alpha * n fees. In words: what the platform keeps is taken from those who watch little, and
nobody directs more than the own fee. So whoever buys accounts to watch themselves gets no more than
they cost, whatever those watch.

Rejected: shares of all watched seconds ("GlobalProp"), by which one busy account directs the fees
of many, and each fee by its own subscriber's seconds ("UserProp"), which is this with alpha = 1.

Numbers are exact fractions until the very end, where they become stroops.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from metering.money import Stroops

Profile = Mapping[str, int]
"""The seconds that one subscriber watched, by creator; at least one, none of them negative."""


class BadProfile(ValueError):
    """A subscriber who watched nothing, or less than nothing: there is no proportion to go by."""


def divide(profiles: Sequence[Profile], alpha: Fraction) -> dict[str, Fraction]:
    """What each creator gets, in fees; together `alpha` of one for each subscriber.

    Args:
        profiles: of every subscriber who watched anything.
        alpha: the creators' part of all fees, above 0 and at most 1.

    Raises:
        BadProfile: see there.
    """
    assert 0 < alpha <= 1, "a part of all fees"
    totals = [_total(profile) for profile in profiles]
    parts: dict[str, Fraction] = {}
    if not totals:
        return parts
    scale = gamma(totals, alpha)
    for profile, total in zip(profiles, totals, strict=True):
        # One fraction for each subscriber, since making them is what takes the time.
        each = min(scale, Fraction(1, total))
        for creator, seconds in profile.items():
            if seconds:
                parts[creator] = parts.get(creator, Fraction(0)) + each * seconds
    return parts


def gamma(totals: Sequence[int], alpha: Fraction) -> Fraction:
    """The number with which min(gamma * total, 1) adds up to `alpha` for each total.

    Args:
        totals: seconds, each above zero; at least one.
    """
    falling = sorted(totals, reverse=True)
    rest, fees = sum(falling), alpha * len(falling)
    for capped, largest in enumerate(falling):
        # As if exactly the `capped` busiest were at their whole fee.
        scale = (fees - capped) / rest
        if scale * largest <= 1:
            return scale
        rest -= largest
    raise AssertionError("with all but one at their whole fee, at most one is left for the last")


def in_stroops(parts: Mapping[str, Fraction], pool: Stroops) -> dict[str, Stroops]:
    """The pool by the proportions of `parts`, by largest remainders: together the pool exactly.

    Of equal remainders the creator whose id comes first gets its stroop.
    """
    whole = sum(parts.values(), Fraction(0))
    exact = {creator: part * pool / whole for creator, part in parts.items()}
    amounts = {creator: int(amount) for creator, amount in exact.items()}
    left = pool - sum(amounts.values()) if amounts else 0
    by_remainder = sorted(exact, key=lambda creator: (amounts[creator] - exact[creator], creator))
    for creator in by_remainder[:left]:
        amounts[creator] += 1
    return {creator: Stroops(amount) for creator, amount in amounts.items()}


def _total(profile: Profile) -> int:
    total = sum(profile.values())
    if total <= 0 or min(profile.values()) < 0:
        raise BadProfile("a profile has seconds, and none below zero")
    return total
