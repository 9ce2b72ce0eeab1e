"""The axioms of the paper's table 1, on drawn platforms; a rule that breaks one is found out."""

import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import pytest

from metering.money import Stroops
from metering.revenue.scaled_user_prop import BadProfile, Profile, divide, gamma, in_stroops

Rule = Callable[[Sequence[Profile], Fraction], dict[str, Fraction]]
DRAWS = 300


def platforms(seed: int) -> Iterator[tuple[random.Random, list[dict[str, int]], Fraction]]:
    """Small platforms: up to 7 subscribers, 5 creators and any alpha in twentieths."""
    for number in range(DRAWS):
        chance = random.Random(seed * DRAWS + number)
        creators = "abcde"[: chance.randint(1, 5)]
        profiles = [profile(chance, creators, 9) for _ in range(chance.randint(1, 7))]
        yield chance, profiles, Fraction(chance.randint(1, 20), 20)


def profile(chance: random.Random, creators: str, most: int) -> dict[str, int]:
    drawn = {creator: chance.randint(0, most) for creator in creators}
    if not sum(drawn.values()):
        drawn[chance.choice(creators)] = 1
    return drawn


def gain(after: dict[str, Fraction], before: dict[str, Fraction]) -> Fraction:
    """What the luckiest set of creators gains."""
    creators = after.keys() | before.keys()
    return sum(
        (
            max(Fraction(0), after.get(c, Fraction(0)) - before.get(c, Fraction(0)))
            for c in creators
        ),
        Fraction(0),
    )


def global_prop(profiles: Sequence[Profile], alpha: Fraction) -> dict[str, Fraction]:
    whole = sum(sum(one.values()) for one in profiles)
    parts: dict[str, Fraction] = {}
    for one in profiles:
        for creator, seconds in one.items():
            share = Fraction(seconds, whole) * alpha * len(profiles)
            parts[creator] = parts.get(creator, Fraction(0)) + share
    return parts


def worst_fraud(rule: Rule) -> Fraction:
    """The most that one fake subscriber brought any set of creators."""
    worst = Fraction(0)
    for chance, profiles, alpha in platforms(1):
        fake = profile(chance, "abcde", 10 ** chance.randint(0, 5))
        worst = max(worst, gain(rule([*profiles, fake], alpha), rule(profiles, alpha)))
    return worst


def worst_bribe(rule: Rule) -> Fraction:
    """The most that one subscriber who watches something else brought any set of creators."""
    worst = Fraction(0)
    for chance, profiles, alpha in platforms(2):
        bribed = profile(chance, "abcde", 10 ** chance.randint(0, 5))
        changed = [bribed, *profiles[1:]]
        worst = max(worst, gain(rule(changed, alpha), rule(profiles, alpha)))
    return worst


def test_a_fake_or_bribed_subscriber_brings_at_most_the_fee_it_costs() -> None:
    assert worst_fraud(divide) <= 1
    assert worst_bribe(divide) <= 1


def test_shares_of_all_seconds_are_found_to_be_open_to_fraud_and_bribes() -> None:
    assert worst_fraud(global_prop) > 1
    assert worst_bribe(global_prop) > 1


def test_creators_get_alpha_of_all_fees_and_nobody_without_a_second() -> None:
    for _, profiles, alpha in platforms(3):
        parts = divide(profiles, alpha)
        assert sum(parts.values()) == alpha * len(profiles)
        assert parts.keys() == {c for one in profiles for c, seconds in one.items() if seconds}


def test_names_and_order_of_subscribers_and_creators_do_not_matter() -> None:
    for chance, profiles, alpha in platforms(4):
        renamed = dict(zip("abcde", chance.sample("vwxyz", 5), strict=True))
        shuffled = [
            {renamed[creator]: seconds for creator, seconds in one.items()}
            for one in chance.sample(profiles, len(profiles))
        ]
        before, after = divide(profiles, alpha), divide(shuffled, alpha)
        assert after == {renamed[creator]: part for creator, part in before.items()}


def test_a_creator_gains_nothing_by_being_two() -> None:
    for chance, profiles, alpha in platforms(5):
        split = []
        for one in profiles:
            own = chance.randint(0, one.get("a", 0))
            split.append({**one, "a": own, "second a": one.get("a", 0) - own})
        before, after = divide(profiles, alpha), divide(split, alpha)
        together = after.pop("a", Fraction(0)) + after.pop("second a", Fraction(0))
        assert together == before.pop("a", Fraction(0))
        assert after == before


def test_who_is_watched_for_longer_by_one_subscriber_gets_no_less() -> None:
    for chance, profiles, alpha in platforms(6):
        more = [{**profiles[0], "a": profiles[0].get("a", 0) + chance.randint(1, 50)}]
        before, after = divide(profiles, alpha), divide([*more, *profiles[1:]], alpha)
        assert after.get("a", Fraction(0)) >= before.get("a", Fraction(0))


def test_it_is_the_shares_of_all_seconds_where_nobody_watches_very_much() -> None:
    """Theorem 4.2; and with everything for the creators it is each fee by its own seconds."""
    compared = 0
    for _, profiles, alpha in platforms(7):
        totals = [sum(one.values()) for one in profiles]
        if max(totals) * alpha * len(totals) <= sum(totals):
            expected = global_prop(profiles, alpha)
            assert divide(profiles, alpha) == {c: part for c, part in expected.items() if part}
            compared += 1
        for creator, part in divide(profiles, Fraction(1)).items():
            own = (Fraction(one.get(creator, 0), sum(one.values())) for one in profiles)
            assert part == sum(own, Fraction(0))
    assert compared > DRAWS / 20


def test_gamma_is_the_number_of_its_equation() -> None:
    for _, profiles, alpha in platforms(8):
        totals = [sum(one.values()) for one in profiles]
        scale = gamma(totals, alpha)
        assert sum(min(scale * total, Fraction(1)) for total in totals) == alpha * len(totals)


def test_stroops_add_up_to_the_pool_and_differ_by_less_than_one_from_the_exact_share() -> None:
    for chance, profiles, alpha in platforms(9):
        parts = divide(profiles, alpha)
        pool = Stroops(chance.randint(0, 10**9))
        amounts = in_stroops(parts, pool)
        assert sum(amounts.values()) == pool
        for creator, part in parts.items():
            assert abs(amounts[creator] - part * pool / (alpha * len(profiles))) < 1


def test_of_equal_remainders_the_first_id_gets_the_stroop() -> None:
    thirds = {name: Fraction(1, 3) for name in ("c", "a", "b")}
    assert in_stroops(thirds, Stroops(10)) == {"a": 4, "b": 3, "c": 3}
    assert in_stroops({}, Stroops(0)) == {}


@pytest.mark.parametrize("bad", [{}, {"a": 0}, {"a": -1, "b": 2}])
def test_who_watched_nothing_has_no_proportion(bad: Profile) -> None:
    with pytest.raises(BadProfile):
        divide([{"a": 1}, bad], Fraction(1, 2))


def test_without_subscribers_there_is_nothing_to_divide() -> None:
    assert divide([], Fraction(1, 2)) == {}
