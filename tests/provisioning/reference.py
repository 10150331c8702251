"""What every account must be, computed by brute force from all that was accepted.

No pairs, no leases, no names, no store: a list of events in the order in which they were
accepted, read from the start for every question. A fact is *silent* when nobody who
still asserts the person says anything of it; what the account holds is then kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

SOURCES = ("workday", "generic")
"""The strongest first."""
PRE_HIRE_DAYS = 30
DELETE_AFTER_DAYS = 40
STATE = ("active", "involuntary", "onLeave", "hireDate", "terminationDate", "contractEndDate")
ENDS = ("terminationDate", "contractEndDate")
PLAIN = {"givenName": "givenName", "familyName": "sn", "displayName": "displayName"}
PLAIN |= {"title": "title", "department": "department"}
"""Fact -> attribute that simply shows it."""

Facts = Mapping[str, Any]
"""None: the source says that there is nothing."""


class Kept(Enum):
    """Nothing is wanted of this one: it stays as it is."""

    KEPT = "kept"


KEPT = Kept.KEPT
DAY = 86400.0


@dataclass(frozen=True)
class Said:
    """One accepted change: `facts` None is a DELETE, `fresh` a record that was not there."""

    at: float
    number: str
    source: str
    id: str
    facts: Facts | None
    fresh: bool = False


@dataclass(frozen=True)
class Word:
    """What one source that asserts somebody says of their employment, and since when."""

    source: str
    facts: Facts
    said_at: float

    @property
    def hired(self) -> str:
        return str(self.facts["hireDate"])

    @property
    def last(self) -> str | None:
        """An end before the first day is history."""
        ends = [self.facts.get(name) for name in ENDS]
        return min((e for e in ends if e and e >= self.hired), default=None)

    def stage(self, now: float) -> str:
        """dismissed, works, prehire, ahead or left, by this word alone."""
        left = self.facts.get("active") is False
        if self.facts.get("involuntary") and self.is_dismissal(left, day(now)):
            return "dismissed"
        if self.last and day(now) > self.last:
            return "left"
        if day(now) < self.hired:
            first = datetime.fromisoformat(self.hired).date() - timedelta(days=PRE_HIRE_DAYS)
            return "ahead" if day(now) < first.isoformat() else "prehire"
        said = day(self.said_at)
        dated = self.hired > said or bool(self.last and self.last >= said)
        dated = dated and not self.facts.get("out")
        return "left" if left and not dated else "works"

    def is_dismissal(self, left: bool, today: str) -> bool:
        """A mark is of the employment that the termination ends: of this one, or of one before
        it, and then it says nothing of who begins later, unless they are sent away again. With
        no termination at all it can only be of this one, if anything ends."""
        termination = self.facts.get("terminationDate")
        if not termination:
            return bool(left or self.last)
        if termination >= self.hired or termination >= today:
            return True
        return left and self.hired <= day(self.said_at)

    def left_at(self, now: float) -> float:
        """Since when somebody who left by this word has left: what is learned late counts
        from then on."""
        if self.stage(now) == "left" and self.last and day(now) > self.last:
            return max(midnight(self.last) + DAY, self.said_at)
        return self.said_at


@dataclass(frozen=True)
class Known:
    """A person as the sources describe them; `asserted` by whom, if by anybody."""

    facts: Facts
    asserted: bool
    words: tuple[Word, ...]
    """From the strongest source down."""
    manager_from: str
    withdrawn_at: float = 0.0


def day(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).date().isoformat()


def midnight(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


@dataclass
class Told:
    """What one record says: now, and differently from later days on."""

    facts: dict[str, Any]
    since: float
    ahead: dict[str, dict[str, Any]]
    """Day -> what it says differently from then on."""

    def on(self, last: str, besides: str = "") -> tuple[dict[str, Any], float]:
        """Facts on a day, and when the state last changed."""
        facts, since = dict(self.facts), self.since
        for begins in sorted(d for d in self.ahead if d <= last and d != besides):
            changed = {k: v for k, v in self.ahead[begins].items() if facts.get(k) != v}
            if any(k in STATE for k in self.ahead[begins]):
                since = midnight(begins)
            facts |= changed
        return facts, since

    def take(self, said: Facts, at: float, fresh: bool) -> None:
        facts, since = self.on(day(at))
        ahead = {d: changes for d, changes in self.ahead.items() if d > day(at)}
        begins = said.get("effectiveDate")
        waits = bool(
            begins
            and begins > day(at)
            and not fresh
            and facts["hireDate"] <= day(at)
            and Word("", replaced(facts, said), at).stage(at) != "dismissed"
        )
        newest = Told(facts, since, ahead).on("9999-12-31")[0].get("active")
        if (
            begins == facts.get("effectiveDate")
            and newest is not False
            and not said.get("active", True)
        ):
            waits = False
        if waits:
            rest = Told(facts, since, ahead)
            base = rest.on(begins, besides=begins)[0]
            whole = replaced(base, said)
            # What is known then was said when it was said, or when that day comes.
            whole["out"] = stays_out(*rest.on(begins, besides=begins), whole)
            at_once = ["effectiveDate", "stamp"]
            begun, again = facts["hireDate"], whole["hireDate"]
            at_once += [k for k in ENDS if begun == again or begun <= (whole.get(k) or "") < again]
            after = facts | {k: whole[k] for k in at_once if k in whole}
            after["out"] = stays_out(facts, since, after)
            same = all(after.get(k) == facts.get(k) for k in STATE)
            changes = {
                k: v
                for k, v in whole.items()
                if k not in (*ENDS, "effectiveDate", "stamp") and base.get(k) != v
            }
            changes |= {k: whole[k] for k in ENDS if after.get(k) != whole.get(k)}
            ahead.pop(begins, None)
            if changes:
                ahead[begins] = changes
            self.facts, self.since, self.ahead = after, since if same else at, ahead
            return
        after = dict(said) if fresh else replaced(facts, said)
        after["out"] = not fresh and stays_out(facts, since, after)
        same = all(after.get(k) == facts.get(k) for k in STATE) and not fresh
        self.facts, self.since, self.ahead = after, since if same else at, ahead


def stays_out(known: Facts, since: float, after: Facts) -> bool:
    """Said to be inactive without any date, and nothing said against it."""
    if known.get("active") is not False or after.get("active") is not False:
        return False
    hired = str(known["hireDate"])
    if after["hireDate"] != hired:
        return False
    dated = any(known.get(name) and known[name] >= hired for name in ENDS)
    return bool(known.get("out")) or (hired <= day(since) and not dated)


def replaced(before: Facts, said: Facts) -> dict[str, Any]:
    """What a record no longer mentions is cleared; of `active` that is never meant."""
    return {k: v if k == "active" else None for k, v in before.items()} | dict(said)


class Reference:
    """Append to `log`; then ask what somebody must be at an instant of business time."""

    def __init__(self) -> None:
        self.log: list[Said] = []

    def told(self, number: str) -> dict[str, Told]:
        """Per source that asserts them."""
        live: dict[str, Told] = {}
        for said in self.log:
            if said.number != number:
                continue
            if said.facts is None:
                del live[said.source]
                continue
            told = Told({}, said.at, {}) if said.fresh else live[said.source]
            told.take(said.facts, said.at, said.fresh)
            live[said.source] = told
        return live

    def is_stale(self, number: str, source: str, facts: Facts) -> bool:
        live = self.told(number)
        earlier = live[source].facts.get("stamp") if source in live else None
        return bool(earlier and facts.get("stamp") and facts["stamp"] < earlier)

    def known(self, number: str, now: float) -> Known | None:
        """None for somebody nobody has ever spoken of."""
        mine = [n for n, said in enumerate(self.log) if said.number == number]
        if not mine:
            return None
        live = {s: told.on(day(now)) for s, told in self.told(number).items()}
        if not live:  # as it was before the last word was taken back
            earlier = Reference()
            earlier.log = self.log[: mine[-1]]
            gone = self.log[mine[-1]].at
            last = earlier.known(number, gone)
            assert last is not None
            return Known(last.facts, False, last.words, last.manager_from, gone)
        ranked = [(s, *live[s]) for s in SOURCES if s in live]
        merged: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for source, facts, _ in ranked:
            for name, value in facts.items():
                if name not in STATE and (
                    name not in merged or (merged[name] is None and value is not None)
                ):
                    merged[name], origins[name] = value, source
        words = tuple(Word(*one) for one in ranked)
        return Known(merged, True, words, origins.get("manager", ""))

    def deciding(self, number: str, now: float) -> tuple[list[Word], Word]:
        """The words that count, and the one that decides. What a weaker source says of an
        employment that has begun, and that a stronger one knows too, does not count."""
        known = self.known(number, now)
        assert known is not None
        counts: list[Word] = []
        for word in known.words:
            same = any(word.hired <= w.hired <= day(now) for w in counts)
            if not same or word.stage(now) == "dismissed":
                counts.append(word)
        order = ["dismissed", "works", "coming", "left"]
        stages = {"prehire": "coming", "ahead": "coming"}
        # Somebody dismissed is out of all that had begun by the last day, and may begin anew.
        gone = [word for word in counts if word.stage(now) == "dismissed"]
        anew = [w for w in counts if w not in gone and all((g.last or "~") < w.hired for g in gone)]
        counts = [word for word in counts if word in gone or word in anew]

        def weight(word: Word) -> tuple[int, str]:
            stage = word.stage(now)
            if stage == "dismissed" and anew and (word.last or "~") < day(now):
                stage = "left"
            when = word.hired if stage in stages else "~" if stage == "left" else ""
            return order.index(stages.get(stage, stage)), when

        best = min(weight(word) for word in counts)
        equal = [word for word in counts if weight(word) == best]
        return counts, max(equal, key=lambda w: w.left_at(now)) if best[0] == 3 else equal[0]

    def stage(self, number: str, now: float) -> str:
        """ahead, prehire, works, left or deleted."""
        known = self.known(number, now)
        if known is None:
            return "ahead"
        word = self.deciding(number, now)[1]
        stage, since = word.stage(now), word.left_at(now)
        if not known.asserted:
            stage, since = "left", known.withdrawn_at
        if stage in ("left", "dismissed"):
            return "deleted" if now >= since + DELETE_AFTER_DAYS * DAY else "left"
        return stage

    def last_day(self, number: str, now: float) -> str | None:
        """The last day of the employment that decides, or of what goes on after it."""
        known = self.known(number, now)
        assert known is not None
        counts, word = self.deciding(number, now)
        last = word.last
        if not known.asserted or word.stage(now) in ("left", "dismissed"):
            return last
        going = [w for w in counts if w.stage(now) not in ("left", "dismissed")]
        while last is not None:
            next_day = (datetime.fromisoformat(last).date() + timedelta(days=1)).isoformat()
            after = [w.last for w in going if w.hired <= next_day and (not w.last or w.last > last)]
            if not after:
                return last
            last = None if None in after else max(a for a in after if a)
        return None

    def attributes(self, number: str, now: float) -> dict[str, Any]:
        """Wanted value, None for no value, or KEPT, by attribute."""
        known = self.known(number, now)
        assert known is not None
        wanted = {a: known.facts.get(f, KEPT) for f, a in PLAIN.items()}
        wanted["employeeID"] = number
        mail = known.facts.get("mail", KEPT)
        others = {s.number for s in self.log if s.facts and s.facts.get("mail") == mail}
        wanted["mail"] = KEPT if mail and others - {number} else mail
        wanted["accountExpires"] = None
        if last := self.last_day(number, now):
            over = datetime.fromisoformat(last).replace(tzinfo=UTC) + timedelta(days=1)
            since_1601 = over - datetime(1601, 1, 1, tzinfo=UTC)
            wanted["accountExpires"] = int(since_1601.total_seconds()) * 10**7
        return wanted

    def manager(self, number: str, now: float) -> str | Kept | None:
        """The number of the manager; nobody; or KEPT while the reference means nobody yet."""
        known = self.known(number, now)
        assert known is not None
        reference = known.facts.get("manager", KEPT)
        if reference is None or reference is KEPT:
            return reference
        by_id = {s.id: s.number for s in self.log if s.source == known.manager_from}
        found = by_id.get(reference, reference)
        if found == number:
            return None
        return found if any(s.number == found for s in self.log) else KEPT
