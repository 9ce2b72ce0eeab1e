"""Who may play a session beside whom: one person however they are seen, and nobody else for long.

Media is in segments of 2 s; the seconds are those of a clock.
"""

import random
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from api.auth.client import Clients, Sender, agent_of, client_of, place_of
from api.auth.session_clients import SessionClients
from api.auth.sharing import PlayedElsewhere
from config.clock import ManualClock
from config.limits import (
    CLIENT_COPIES_MS,
    CLIENT_COPIES_UNITS_MAX,
    CLIENT_IDLE_MS,
    CLIENT_PROOF_MS_MIN,
    CLIENT_STRANGER_MS_MAX,
    CLIENTS_OF_SESSION_MAX,
)

SESSION = "ses_1"
UNITS, SEGMENT_S, SEGMENT_MS = 180_000, 2, 2_000
SHARERS = 10
COPIES = CLIENT_COPIES_UNITS_MAX // UNITS
PHONE, TELEVISION = agent_of(b"phone"), agent_of(b"television")
HOME, TRAIN, AFAR = place_of("192.0.2.7"), place_of("198.51.100.7"), place_of("203.0.113.7")


@dataclass
class Rig:
    clock: ManualClock = field(default_factory=ManualClock)
    clients: SessionClients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = SessionClients(self.clock, known_max=8)

    def has(self, client: int, number: int, height: int = 720, session: str = SESSION) -> bool:
        start = number * UNITS
        try:
            self.clients.admit(session, client, start, start + UNITS, height)
        except PlayedElsewhere:
            return False
        return True

    def play(self, client: int, first: int, count: int, height: int = 720) -> int:
        """So many segments from there on, each when its time has come; how many it was given."""
        given = 0
        for number in range(first, first + count):
            given += self.has(client, number, height)
            self.clock.advance(SEGMENT_MS)
        return given


@pytest.fixture
def rig() -> Rig:
    return Rig()


OWNER = client_of(HOME, PHONE)
KIN = [client_of(TRAIN, PHONE), client_of(HOME, TELEVISION)]
STRANGER = client_of(AFAR, TELEVISION)


# --- one person ----------------------------------------------------------------------------------


def test_one_client_has_whatever_it_asks_for_as_often_as_it_likes(rig: Rig) -> None:
    rng = random.Random(1)
    assert all(rig.has(OWNER, rng.randrange(100), rng.choice([0, 360])) for _ in range(1_000))


@pytest.mark.parametrize("other", KIN, ids=["another network", "another device"])
@pytest.mark.parametrize("back", [0, 1, 8], ids=["next", "same again", "what was buffered"])
def test_a_person_who_moves_goes_on_at_once_and_for_good(rig: Rig, other: int, back: int) -> None:
    assert rig.play(OWNER, 0, 30) == 30
    assert rig.play(other, 30 - back, 900) == 900
    assert rig.play(OWNER, 930 - back, 30) == 30


def test_a_person_whose_addresses_change_with_each_connection_is_one_person(rig: Rig) -> None:
    """IPv4 and IPv6, or a NAT that has several networks; sound and pictures are fetched apart."""
    rng = random.Random(2)
    many = [client_of(place_of(f"198.51.{number}.1"), PHONE) for number in range(4)]
    many.append(client_of(place_of("2001:db8::1"), PHONE))
    for number in range(900):
        if number == 450:
            rig.clock.advance(3 * CLIENT_IDLE_MS)  # a pause
        assert rig.has(rng.choice(many), number)
        assert rig.has(rng.choice(many), number, height=0)
        rig.clock.advance(SEGMENT_MS)


def test_a_player_of_two_programs_is_one_person(rig: Rig) -> None:
    for number in range(100):
        assert rig.has(OWNER, number)
        assert rig.has(KIN[1], number, height=0)
        rig.clock.advance(SEGMENT_MS)


def test_who_moves_all_day_is_one_person(rig: Rig) -> None:
    """From network to network every few minutes, each time with a segment that is asked for again,
    and back in the film now and then.
    """
    rng = random.Random(3)
    place, number = HOME, 0
    for _ in range(50):
        place += 1
        number -= rng.choice([1, 1, 0, 40]) if number > 40 else 0
        assert rig.play(client_of(place, PHONE), number, 90) == 90
        number += 90


# --- sharers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [0, 1, 3, 100])
@pytest.mark.parametrize("kin", [True, False], ids=["kin", "strangers"])
def test_ten_sharers_have_less_than_a_second_each_beside_one_stream(
    rig: Rig, apart: int, kin: bool
) -> None:
    """Each of them tries for whatever comes next."""
    rng = random.Random(apart)
    sharers = [
        client_of(place_of(f"10.0.{n}.1"), PHONE if kin else agent_of(b"%d" % n))
        for n in range(SHARERS)
    ]
    place = {client: apart * n for n, client in enumerate(sharers)}
    had: dict[int, list[int]] = {client: [] for client in sharers}
    seconds = 900
    for _ in range(seconds // SEGMENT_S):
        for client in rng.sample(sharers, SHARERS):
            if rig.has(client, place[client]):
                had[client].append(place[client])
            place[client] += 1
        rig.clock.advance(SEGMENT_MS)
    everything = [number for numbers in had.values() for number in numbers]
    again = len(everything) - len(set(everything))
    player = max(had, key=lambda client: len(had[client]))
    # One of them plays, as a person would.
    assert len(had[player]) * SEGMENT_S == seconds
    if apart == 0:
        assert 0 < again * SEGMENT_S < SHARERS
    # Elsewhere in the film what they had was charged for, but for what had been charged before.
    assert len(everything) - len(had[player]) <= CLIENTS_OF_SESSION_MAX


def test_the_one_who_was_there_first_goes_on_and_who_asks_first_each_time_gains_nothing(
    rig: Rig,
) -> None:
    rig.play(OWNER, 0, 10)
    given = [(rig.has(KIN[0], number), rig.has(OWNER, number)) for number in range(10, 200)]
    assert all(owner for _, owner in given)
    assert sum(other for other, _ in given) <= COPIES + 1


def test_sound_is_not_left_to_the_others(rig: Rig) -> None:
    """One takes the pictures and one the sound, until one of them wants both."""
    for number in range(10):
        assert rig.has(OWNER, number)
        assert rig.has(KIN[0], number, height=0)
    given = []
    for number in range(10, 30):
        assert rig.has(OWNER, number)
        given.append(rig.has(KIN[0], number))
    assert given == [True] * COPIES + [False] * (20 - COPIES)
    assert not rig.has(KIN[0], 30, height=0)
    assert rig.has(OWNER, 30)
    assert rig.has(OWNER, 30, height=0)


def bind(rig: Rig) -> None:
    """The owner plays, and another one uses up what there is of copies."""
    for number in range(COPIES + 1):
        rig.has(OWNER, number)
        rig.has(KIN[0], number)
    assert not rig.has(KIN[0], COPIES)
    assert rig.has(OWNER, COPIES + 1)


def test_when_one_has_stopped_the_other_may_go_on(rig: Rig) -> None:
    bind(rig)
    assert not rig.has(KIN[0], 9)
    rig.clock.advance(CLIENT_IDLE_MS)
    assert rig.play(KIN[0], 9, 20) == 20
    assert not rig.has(OWNER, 3)


def test_copies_come_back_when_nobody_tries_to_have_more(rig: Rig) -> None:
    bind(rig)
    rig.play(OWNER, COPIES + 2, CLIENT_COPIES_MS // SEGMENT_MS - 1)
    assert not rig.has(KIN[0], 0)  # and it begins anew
    rig.play(OWNER, 400, CLIENT_COPIES_MS // SEGMENT_MS + 1)
    assert rig.has(KIN[0], 0)


# --- proofs --------------------------------------------------------------------------------------


def test_the_owner_goes_on_where_they_prove_to_be(rig: Rig) -> None:
    bind(rig)
    there = client_of(AFAR, TELEVISION)
    assert not rig.has(there, COPIES + 2)
    rig.clients.prove(SESSION, AFAR)
    assert rig.play(there, COPIES + 2, 200) == 200
    assert not rig.has(OWNER, 0)


def test_a_proof_does_not_let_others_in(rig: Rig) -> None:
    bind(rig)
    for number in range(COPIES + 2, 100):
        rig.clients.prove(SESSION, HOME)
        assert rig.has(OWNER, number)
        assert not rig.has(KIN[0], number)
        rig.clock.advance(SEGMENT_MS)


def test_who_share_an_account_cannot_prove_in_turns(rig: Rig) -> None:
    friends = [client_of(place_of(f"10.0.{n}.1"), PHONE) for n in range(SHARERS)]
    had = dict.fromkeys(friends, 0)
    for number in range(300):
        for friend in friends:
            rig.clients.prove(SESSION, friend >> 32)
            had[friend] += rig.has(friend, number)
        rig.clock.advance(SEGMENT_MS)
    # While one leaves off, the next one has what both want: some segments in each turn.
    turns = 300 * SEGMENT_MS // CLIENT_PROOF_MS_MIN
    assert sum(had.values()) <= 300 + COPIES + 2 * turns


def test_the_owner_who_proved_goes_before_who_came_first(rig: Rig) -> None:
    """A thief who is quicker than the owner's own player."""
    rig.clients.prove(SESSION, HOME)
    given = [(rig.has(STRANGER, number), rig.has(OWNER, number)) for number in range(100)]
    assert all(owner for _, owner in given)
    assert sum(thief for thief, _ in given) <= COPIES + 1


# --- strangers -----------------------------------------------------------------------------------


def test_a_leaked_url_is_worth_two_minutes_to_a_stranger(rig: Rig) -> None:
    """Also when its owner has left without a word, and however it is passed on."""
    rig.play(OWNER, 0, 30)
    thieves = [client_of(AFAR + n, TELEVISION + n) for n in range(100)]
    began, last = rig.clock.monotonic_ms(), 0
    for number in range(30, 900):
        if rig.has(thieves[number % 7 if number < 500 else number % 100], number):
            last = rig.clock.monotonic_ms() + SEGMENT_MS
        rig.clock.advance(SEGMENT_MS)
    assert began < last <= began + CLIENT_STRANGER_MS_MAX
    assert rig.play(OWNER, 30, 30) == 30


def test_a_leaked_url_is_worth_some_seconds_while_its_owner_plays(rig: Rig) -> None:
    rig.play(OWNER, 0, 30)
    given = []
    for number in range(30, 900):
        assert rig.has(OWNER, number)
        given.append(rig.has(STRANGER, number - 20))
        rig.clock.advance(SEGMENT_MS)
    assert given == [True] * COPIES + [False] * (len(given) - COPIES)


def test_a_stranger_who_is_the_owner_has_time_to_prove_it(rig: Rig) -> None:
    rig.play(OWNER, 0, 30)
    assert rig.play(STRANGER, 30, 30) == 30
    rig.clients.prove(SESSION, AFAR)
    assert rig.play(STRANGER, 60, 900) == 900


# --- bounds --------------------------------------------------------------------------------------


def test_a_crowd_uses_up_the_copies_though_nobody_asks_twice(rig: Rig) -> None:
    crowd = [client_of(HOME, agent_of(b"%d" % n)) for n in range(3 * CLIENTS_OF_SESSION_MAX)]
    given = [rig.has(each, number) for number, each in enumerate(crowd)]
    alone = CLIENTS_OF_SESSION_MAX + COPIES
    assert given == [True] * alone + [False] * (len(crowd) - alone)


def test_sessions_are_forgotten_in_the_order_in_which_nobody_asked(rig: Rig) -> None:
    bind(rig)
    for number in range(3):
        rig.has(OWNER, 0, session=f"ses_other{number}")
    assert not rig.has(KIN[0], 20)
    for number in range(100):
        rig.has(OWNER, 0, session=f"ses_new{number}")
    assert rig.has(KIN[0], 20)


# --- clients -------------------------------------------------------------------------------------


def test_a_place_is_what_a_home_has() -> None:
    same = [("192.0.2.1", "192.0.2.250"), ("2001:db8:1:20::1", "2001:db8:1:2f:ffff::2")]
    same += [("192.0.2.1", "::ffff:192.0.2.9"), ("fe80::1%eth0", "fe80::2"), ("", "no address")]
    assert [(a, b) for a, b in same if place_of(a) != place_of(b)] == []
    others = ["192.0.2.1", "192.0.3.1", "2001:db8:1:20::1", "2001:db8:1:120::1", "::c000:201", ""]
    assert len({place_of(each) for each in others}) == len(others)


def test_the_client_behind_a_trusted_proxy_is_who_it_asks_for() -> None:
    sender = Sender(PHONE, "203.0.113.7, 10.0.0.9", "")
    clients = Clients([ip_network("10.0.0.0/8")])
    assert clients.client("10.0.0.1", sender) == client_of(AFAR, PHONE)
    assert clients.client("10.0.0.1", Sender(PHONE, "", "for=203.0.113.7")) == client_of(
        AFAR, PHONE
    )
    assert clients.client("192.0.2.1", sender) == OWNER
    assert Clients().client("10.0.0.1", sender) == client_of(place_of("10.0.0.1"), PHONE)
