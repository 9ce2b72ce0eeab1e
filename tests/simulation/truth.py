"""What viewers may be charged, kept beside the program and in other ways than it does, and checked
after each transaction.

Media is a set of cells here, presence a sum of gaps between requests; the program keeps intervals
and advances meters. Letters and numbers as in `I4` are those of the invariants of the design.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from metering.effects import Effects
from metering.ledger.ledger import Transfer, creator_account, sender_account
from metering.meter_state import MeterState
from metering.offer import capped, is_dearer
from metering.rules import UNITS_PER_MS, UNITS_PER_SECOND, MeterRules
from metering.session import Allowance, Batch, SavedSession, Served, Session
from metering.store import MemoryMeterStore
from metering.tariff import Tariff
from tests.simulation.at_once import at_once
from tests.simulation.history import History
from tests.simulation.network import GIFT
from tests.simulation.watched import NOTHING, Watched, cost

# Clocks of processes show whole milliseconds: each start and each answer may round once.
_SLACK_MS = 2


class Truth:
    """Knows what happened, and what therefore must be in the books.

    Args:
        history: where violations are told.
        rules: of the meters.
        cell: units of media that all boundaries are multiples of.
        store: the books.
    """

    def __init__(
        self, history: History, rules: MeterRules, cell: int, store: MemoryMeterStore
    ) -> None:
        self.history = history
        self.rules = rules
        self.cell = cell
        self.sessions: dict[str, Watched] = {}
        self.earned: defaultdict[str, int] = defaultdict(int)
        self.paid: defaultdict[str, int] = defaultdict(int)
        self.budgets = 1  # how many void budgets a viewer may have had: one for each hour
        self.day_cap: int | None = None
        self.credit_units = 0  # of media that a session may have before that is saved
        self.uncertain = False  # meters are disturbed by others than themselves
        self._store = store
        self._by_viewer: defaultdict[str, list[Watched]] = defaultdict(list)
        self._posted: set[str] = set()
        self._funds: defaultdict[str, int] = defaultdict(int)
        self._wishes: dict[str, tuple[str, int]] = {}
        self._refused: set[str] = set()
        self._asked_ms: dict[str, int] = {}
        self._tariffs: list[Tariff] = []
        self._leases: dict[int, str] = {}
        self._fenced: set[int] = set()
        self._have_left: set[str] = set()  # viewers

    # --- what happens -----------------------------------------------------------------------------

    def asked_for(self, session_id: str, now_ms: int) -> None:
        """A viewer asks for a session, and so is there."""
        self._asked_ms[session_id] = now_ms

    def opened(self, sessions: Iterable[Session]) -> None:
        """The store has new sessions."""
        for session in sessions:
            if session.id not in self.sessions:
                watched = Watched(session, self._asked_ms[session.id], 1)
                self.sessions[session.id] = watched
                self._by_viewer[session.viewer].append(watched)
        self.check_sum("open")

    def came(self, session_id: str, now_ms: int) -> None:
        """A request of the session came: somebody is there, until it is answered at least."""
        watched = self.sessions[session_id]
        watched.touch(now_ms, self.rules.keepalive_ms)
        watched.waiting += 1

    def answered(self, session_id: str, now_ms: int) -> None:
        """One of them was answered."""
        watched = self.sessions[session_id]
        watched.touch(now_ms, self.rules.keepalive_ms)
        watched.waiting -= 1

    def promised(self, session_id: str, lo: int, hi: int, meter: object) -> None:
        """A part of a live may be sent: that is saved within a second, if the process lives."""
        watched = self.sessions[session_id]
        watched.meter = meter
        watched.promised.update(self.cells(lo, hi))

    def allowed(self, session_id: str, lo: int, hi: int, meter: object) -> None:
        """A request was answered with leave to send: what it promises is durable, but for what
        the credit of an outage covers.
        """
        watched = self.sessions[session_id]
        watched.meter = meter
        pairs = watched.durable[-1] if watched.durable else []
        if any(a <= lo and hi <= b for a, b in pairs):
            return
        wanted = set(self.cells(lo, hi)) - watched.promised
        for pairs in watched.durable:
            for a, b in pairs:
                wanted.difference_update(self.cells(a, b))
        if not wanted:
            return
        lent = watched.lent.setdefault(meter, set())
        lent |= wanted
        if len(lent) * self.cell > self.credit_units:
            raise self.history.fail(
                f"{session_id} was given leave for [{lo}, {hi}) before that was saved"
            )

    def delivered(self, session_id: str, lo: int, hi: int, *, height: int, counts: bool) -> None:
        """A body was taken to its last byte; its pictures have so many lines. It `counts` if the
        session goes on.
        """
        watched = self.sessions[session_id]
        cells = self.cells(lo, hi)
        watched.delivered.update(cells)
        watched.better.setdefault(height, set()).update(cells)
        if counts:
            watched.owed.update(cells)

    def sending(self, session_id: str, body: tuple[int, int, int]) -> None:
        """A body is on its way: from, to, and how many lines its pictures have."""
        self.sessions[session_id].sending.append(body)

    def sent(self, session_id: str, body: tuple[int, int, int], *, left: bool) -> None:
        """It is no more; if it was `left` then as good as delivered."""
        watched = self.sessions[session_id]
        watched.sending.remove(body)
        if left:
            self._left(watched, body)

    def _left(self, watched: Watched, body: tuple[int, int, int]) -> None:
        lo, hi, height = body
        self._have_left.add(watched.session.viewer)
        self.delivered(watched.session.id, lo, hi, height=height, counts=False)

    def closed(self, session_id: str, ticks: int, amount: int) -> None:
        """A session's end was answered; from now on always with the same (I7)."""
        watched = self.sessions[session_id]
        if watched.answer not in (None, (ticks, amount)):
            raise self.history.fail(
                f"{session_id} was ended with {watched.answer}, and now with {(ticks, amount)}"
            )
        watched.answer = ticks, amount

    def rolled_back(self, session_id: str, meter: object) -> None:
        """A meter was told that a session cannot pay what it sent: that is the viewer's, whatever
        part of it was lent, and there is credit again.
        """
        self.sessions[session_id].lent.pop(meter, None)

    def disturb(self, meter: object) -> None:
        """A meter lost what it had not saved."""
        for watched in self.sessions.values():
            watched.disturbed |= watched.closed_at is None
            watched.starts += 1
            if watched.meter is meter:
                watched.promised.clear()
            watched.lent.pop(meter, None)

    def wishes(self, cause: str, account: str, amount: int) -> None:
        """Somebody wants to pay into a viewer's account (out of it when below 0), once."""
        self._wishes[cause] = account, amount

    def refuses(self, cause: str) -> None:
        """What was wished for will never be."""
        self._refused.add(cause)

    def leased(self, server: str, fence: int, *, succeed: bool) -> None:
        """A process of a server began a lease; earlier ones are over if it succeeds to them, even
        if it is dead itself by now.
        """
        if succeed:
            self._fenced.update(each for each, name in self._leases.items() if name == server)
            self.disturb(None)
        self._leases[fence] = server

    def announced(self, tariff: Tariff) -> None:
        """A creator asks for another price."""
        self._tariffs.append(tariff)

    def consented(self, session_id: str, epoch: str) -> None:
        """A session's viewer agreed to another tariff."""
        self.sessions[session_id].consents.add(epoch)

    # --- after each transaction -------------------------------------------------------------------

    def committed(self, batch: Batch, now_ms: int) -> None:
        """The store changed sessions, or had done so before."""
        touched: dict[str, Watched] = {}
        for change in batch.changes:
            session = change.saved.session
            watched = self.sessions[session.id]
            saved = at_once(self._store.session(session.id))
            assert saved is not None, "sessions are never deleted"
            if saved.revision != watched.revision:
                if batch.fence in self._fenced:
                    raise self._wrong(watched, f"was changed under {batch.fence}, which is over")
                self._check_terms(watched, saved.session)
                self._check_session(watched, saved, now_ms)
                self._pay_back(watched, change.served)
                touched[session.viewer] = watched
        balances = self.check_sum("commit")
        for viewer, watched in touched.items():
            self._check_viewer(viewer, watched, balances)
        for watched in (self.sessions[each.saved.session.id] for each in batch.changes):
            held = balances[watched.session.hold_account]
            if held != watched.drawn - watched.amount:
                raise self._wrong(watched, f"holds {held} of {watched.drawn - watched.amount}")

    def _pay_back(self, watched: Watched, served: Iterable[Served]) -> None:
        """What was sent on credit is saved now, also when it was left meanwhile."""
        for lent in watched.lent.values():
            for each in served:
                lent.difference_update(self.cells(each.lo, each.hi))

    def posted(self, transfers: Iterable[Transfer]) -> None:
        """The store posted transfers that are no session's."""
        for transfer in transfers:
            if transfer.id not in self._posted:
                self._posted.add(transfer.id)
                self._funds[transfer.debit] -= transfer.amount
                self._funds[transfer.credit] += transfer.amount
        self.check_sum("post")

    def check_sum(self, what: str) -> dict[str, int]:
        """I1, I2: nothing is made or lost, and no account is below its floor; all balances."""
        balances: dict[str, int] = dict(at_once(self._store.ledger.balances("")))
        total = sum(balances.values())
        if total != 0:
            raise self.history.fail(f"after {what} all accounts sum to {total}")
        if min(balances.values(), default=0) < 0:
            for account, balance in balances.items():
                if balance < 0 and not account.startswith("chain:"):
                    raise self.history.fail(f"after {what} {account} is at {balance}")
        return balances

    def applied(self, creator: str, amount: int) -> None:
        """The chain paid a creator: never more than was taken from viewers for them."""
        self.paid[creator] += amount
        if self.paid[creator] > self.earned[creator]:
            raise self.history.fail(
                f"{creator} was paid {self.paid[creator]} and earned {self.earned[creator]}"
            )

    def _check_session(self, watched: Watched, saved: SavedSession, now_ms: int) -> None:
        state = saved.meter_state() or NOTHING
        before, session = watched.state, watched.session
        if watched.closed_at is not None:
            raise self._wrong(watched, "changed after its end")
        ticks = state.posted // UNITS_PER_SECOND
        # I4: what K seconds cost, and nothing else.
        rungs = saved.totals.rungs
        amount = cost(session.terms, ticks, rungs)
        if (ticks, amount) != (saved.totals.ticks, saved.amount):
            raise self._wrong(watched, f"charged {saved.amount} for {ticks} s, not {amount}")
        if saved.closed_at is not None:
            for body in watched.sending:
                self._left(watched, body)
        if saved.session != session or ticks < watched.ticks or state.forced < before.forced:
            raise self._wrong(watched, "went back")
        self._check_media(watched, state, now_ms)
        self._check_rungs(watched, saved)
        pending = sum(hi - lo for lo, hi, _ in state.pending)
        covered = sum(hi - lo for lo, hi in state.covered)
        # I5, I7: everything that is covered was charged or is held, exactly.
        drawn = saved.totals.drawn
        least = cost(session.terms, covered // UNITS_PER_SECOND, rungs)
        if covered != state.posted + pending or drawn < least or (drawn > least and not rungs):
            raise self._wrong(watched, f"drew {drawn} of {least} for {covered} units")
        if saved.closed_at is not None and (pending or drawn != amount):
            raise self._wrong(watched, f"ended with {pending} units, {drawn - amount} still held")
        self.earned[session.payee] += amount - watched.amount
        watched.revision, watched.state, watched.closed_at = saved.revision, state, saved.closed_at
        watched.ticks, watched.amount, watched.drawn = ticks, amount, drawn
        watched.durable.append(state.covered)
        self._check_runs(watched)

    def _check_terms(self, watched: Watched, session: Session) -> None:
        """A price holds from the next second on, and a higher one for those who agreed. What was
        free stays so.
        """
        old, new = watched.session.terms, session.terms
        if new == old:
            return
        cap, free = old.tariff.session_cap, old.tariff.free_seconds
        epochs = [
            each.id
            for each in self._tariffs
            if replace(capped(each, cap), free_seconds=max(each.free_seconds, free)) == new.tariff
        ]
        agreed = not is_dearer(new.tariff, old.tariff) or watched.consents.intersection(epochs)
        if not (epochs and agreed):
            raise self._wrong(watched, f"goes on at {new.tariff} unasked")
        if (new.seconds, new.paid) != (watched.ticks, watched.amount):
            raise self._wrong(watched, f"has other terms since {new.seconds} s, {new.paid}")
        watched.session = replace(watched.session, terms=new)

    def _check_rungs(self, watched: Watched, saved: SavedSession) -> None:
        """Better pictures are charged once for each second that was delivered in them."""
        rungs = watched.session.tariff.rungs
        for rung, seconds in zip(rungs, saved.totals.rungs, strict=True):
            cells = set[int]().union(
                *(each for height, each in watched.better.items() if height >= rung.height_min)
            )
            if seconds * UNITS_PER_SECOND > len(cells) * self.cell:
                raise self._wrong(watched, f"charged {seconds} s at {rung.height_min} lines")

    def _check_media(self, watched: Watched, state: MeterState, now_ms: int) -> None:
        delivered = len(watched.delivered) * self.cell
        if state.posted > delivered:
            raise self._wrong(watched, f"charged {state.posted} of {delivered} units delivered")
        rules = self.rules
        present = watched.present(now_ms, rules.keepalive_ms) + _SLACK_MS * watched.starts
        speed, per = rules.speed
        allowed = rules.startup_units + present * UNITS_PER_MS * speed // per + state.forced
        if state.posted > allowed:
            raise self._wrong(watched, f"charged {state.posted} of {allowed} units watched")
        if state.presence_ms > present:
            raise self._wrong(watched, f"counts {state.presence_ms} ms, {present} were spent")
        # Who fetches again what they had left gets budget back, in the same commit perhaps.
        has_left = watched.session.viewer in self._have_left
        if state.forced > watched.state.forced and self.budgets == 1 and not has_left:
            [used] = [each.used for each in self._allowances(watched.session.viewer)] or [0]
            if used != rules.void_units_max:
                raise self._wrong(watched, f"charged what was left with a budget at {used}")

    def _allowances(self, viewer: str) -> Iterable[Allowance]:
        return at_once(self._store.allowances([viewer])).values()

    def _check_runs(self, watched: Watched) -> None:
        """I3: ticks are booked once each, in order."""
        runs: list[Effects] = self._store.tick_runs.get(watched.session.id, [])
        at = 0
        for run in runs:
            if run.first_tick != at or run.last_tick < at:
                raise self._wrong(watched, f"ticks from {run.first_tick} on were booked at {at}")
            at = run.last_tick
        if at != watched.ticks:
            raise self._wrong(watched, f"{at} ticks were booked of {watched.ticks}")

    def _check_viewer(self, viewer: str, watched: Watched, balances: dict[str, int]) -> None:
        sessions = self._by_viewer[viewer]
        voided = sum(each.state.voided for each in sessions)
        if voided > self.rules.void_units_max * self.budgets:
            raise self._wrong(watched, f"{viewer} has left {voided} units for nothing")
        account = watched.session.viewer_account
        expected = self._funds[account] - sum(
            each.drawn for each in sessions if each.session.viewer_account == account
        )
        if balances[account] != expected:
            raise self._wrong(watched, f"{account} has {balances[account]}, not {expected}")

    # --- at the end -------------------------------------------------------------------------------

    def check_end(self, addresses: dict[str, str], on_chain: int, channels: dict[str, int]) -> None:
        """I3, I7 and I9 at rest: everybody has exactly what is theirs.

        Args:
            addresses: of creators who can be paid.
            on_chain: what lies in the hot account.
            channels: what lies in each channel account.
        """
        balances = self.check_sum("the end")
        for account, balance in balances.items():
            if balance and account.startswith(("hold:", "inflight:")):
                raise self.history.fail(f"{balance} stroops are stuck in {account}")
        # Gifts may still be unknown to the books, of which each is the same.
        unknown = on_chain + balances.get("chain:hot:XLM", 0)
        if unknown < 0 or unknown % GIFT:
            raise self.history.fail(f"the chain has {unknown} more than the books")
        wrong = {c for c, held in channels.items() if held != -balances.get(_sender(c), 0)}
        if wrong:
            raise self.history.fail(f"the books know other amounts of {sorted(wrong)}")
        for watched in self.sessions.values():
            self._check_rest(watched)
        for creator, earned in self.earned.items():
            left = 0 if creator in addresses else earned
            if balances[creator_account(creator, "XLM").id] != left:
                raise self.history.fail(f"{creator} still waits for {earned}")
            if self.paid[creator] != earned - left:
                raise self.history.fail(f"{creator} was paid {self.paid[creator]} of {earned}")
        self._check_day()
        self._check_wishes(balances)
        report = at_once(self._store.ledger.check())
        if not report.sound:
            raise self.history.fail(f"the ledger is not sound: {report}")

    def _check_rest(self, watched: Watched) -> None:
        if watched.closed_at is None:
            raise self._wrong(watched, "never ended")
        # What was delivered was charged, or left within the budget, or lost with a meter.
        least = len(watched.owed) * self.cell - watched.state.voided
        if watched.state.posted < least and not (watched.disturbed or self.uncertain):
            raise self._wrong(watched, f"charged {watched.state.posted} units, {least} are due")

    def _check_day(self) -> None:
        for viewer, sessions in self._by_viewer.items():
            charged = sum(each.amount for each in sessions)
            if self.day_cap is not None and charged > self.day_cap:
                raise self.history.fail(f"{viewer} was charged {charged} in one day")

    def _check_wishes(self, balances: dict[str, int]) -> None:
        """Each cause moved its money once, however often it was told."""
        expected: defaultdict[str, int] = defaultdict(int)
        for cause, (account, amount) in self._wishes.items():
            expected[account] += 0 if cause in self._refused else amount
        for watched in self.sessions.values():
            expected[watched.session.viewer_account] -= watched.amount
        for account, balance in expected.items():
            if balances.get(account, 0) != balance:
                raise self.history.fail(
                    f"{account} has {balances.get(account, 0)} at the end, not {balance}"
                )

    # --- words ------------------------------------------------------------------------------------

    def cells(self, lo: int, hi: int) -> range:
        """The cells of [lo, hi)."""
        return range(lo // self.cell, hi // self.cell)

    def _wrong(self, watched: Watched, what: str) -> AssertionError:
        return self.history.fail(f"{watched.session.id}: {what}")


def _sender(channel: str) -> str:
    return sender_account(channel).id
