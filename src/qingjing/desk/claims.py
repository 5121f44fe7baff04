"""Claims: what a platform's old list says that people agreed to, graded before it is believed.

Read in columns, batch by batch: a list of millions is never in memory as a whole, unless it is
to be recorded, and then as 13 bytes a claim. What holds is the gate's judgement
(``fold.grade_columns``); what a refusal on record outweighs does not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qingjing.desk import consent, wordings
from qingjing.desk.consent import PROBLEMS_KEPT_MAX, ROW, Terms
from qingjing.desk.entries import About, InputError, Problem, moment, purposes_mask, shown
from qingjing.desk.grade import RULE_OF, SOUND
from qingjing.desk.ports import Ledger, U64s
from qingjing.kernel import facts as f
from qingjing.kernel.fold import ACTS, grade_columns
from qingjing.kernel.rules import BY_NAME
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import PURPOSE_ANY, Act

PER_ROW: Final = ("act", "wording", "shown", "term_days", "per_count", "per_days")
"""Terms that a row may have of its own; an empty cell stands for the common term."""
_NUMBERS: Final = frozenset({"term_days", "per_count", "per_days"})

TERMS_MAX: Final = 1_000
"""Different terms in one list: each becomes a fact of its own, and more are no terms."""

_ACTS_ZH: Final = {
    "勾选": Act.TICKED,
    "回复": Act.REPLIED,
    "签字": Act.SIGNED,
    "口头": Act.SPOKEN,
    "确认": Act.CONFIRMED,
    "请求": Act.REQUESTED,
    "默认": Act.DEFAULT,
    "预勾选": Act.PRE_TICKED,
    "捆绑": Act.BUNDLED,
    "沉默": Act.SILENT,
    "不明": Act.UNKNOWN,
}
_TABLE: Final = np.dtype(
    [
        ("recorded_at", "<u8"),
        ("term_s", "<u4"),
        ("purposes", "<u2"),
        ("act", "u1"),
        ("shown", "u1"),
        ("worded_s", "<u4"),
        ("per_count", "<u2"),
    ]
)
_NEVER: Final = 0xFFFFFFFF
_DAY_S: Final = 86_400
_BEIJING_S: Final = 8 * 3600
_ISO: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"


class Batch(NamedTuple):
    """Some claims in columns. ``rows`` are row numbers, ``phones`` 0 where there is none.

    ``given_at`` is an Arrow array of times or texts, ``terms`` Arrow arrays of texts by name.
    """

    rows: NDArray[np.int64]
    phones: U64s
    given_at: Any
    terms: dict[str, Any]


class ClaimsReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of so many claims so many would hold up now.

    ``reasons`` counts the others by the rule that would stop a message; ``remarks`` what those
    that hold lack besides, a claim under each that fits. ``left`` could not be read.
    """

    claims: int
    hold: int
    left: int
    reasons: dict[str, int]
    remarks: dict[str, int]
    problems: tuple[Problem, ...]

    def words(self) -> tuple[str, str]:
        """The finding as a sentence, in Chinese and in English."""
        by_count = sorted(self.reasons.items(), key=lambda item: -item[1])
        zh = ";".join(f"{n:,} 条:{BY_NAME[name].zh}" for name, n in by_count)
        en = "; ".join(f"{n:,}: {BY_NAME[name].en}" for name, n in by_count)
        return (
            f"{self.claims:,} 条主张中 {self.hold:,} 条站得住" + (f"。其余 {zh}" if zh else ""),
            f"of {self.claims:,} claims {self.hold:,} would hold up"
            + (f". The others: {en}" if en else ""),
        )


class Claims:
    """One list, taken batch by batch. InputError when the common terms are wrong.

    ``category`` is what would be sold; without one, what each claim is for. With ``keep`` the
    claims can be recorded afterwards: ``draft``.
    """

    def __init__(
        self, ledger: Ledger, terms: Terms, now: int, *, category: str = "", keep: bool = False
    ) -> None:
        about = About([], "")
        consent.read_terms(ledger, about, terms)
        try:
            self._bit = purposes_mask((category,)) if category else PURPOSE_ANY
        except ValueError as error:
            about.wrong("category", str(error), "correct the name")
        if not about.sound:
            raise InputError(about.problems)
        party = ledger.register.party(terms.sender)
        self._group = party.group if party else ""
        self._ledger, self._common, self._now, self._keep = ledger, terms, now, keep
        self._terms: list[Terms] = []
        self._known: dict[tuple[str, ...], int] = {}
        self._table = np.zeros(0, _TABLE)
        self._kept: list[tuple[NDArray[np.uint16], NDArray[Any]]] = []
        self._states = np.zeros(len(GroundsState), np.int64)
        self._remarks: Counter[str] = Counter()
        self._problems: list[Problem] = []
        self.rows = self._left = 0

    def skip(self, problem: Problem) -> None:
        """A row that the door could not read."""
        self.rows += 1
        self._left += 1
        if len(self._problems) < PROBLEMS_KEPT_MAX:
            self._problems.append(problem)

    def take(self, batch: Batch) -> None:
        """Grade some claims."""
        size = len(batch.rows)
        self.rows += size
        which, wrong = self._which(batch)
        given, timed = _seconds(batch.given_at)
        late = timed & ((given > self._now // 1000) | (given <= 0))
        good = (which >= 0) & (batch.phones != 0) & timed & ~late
        self._left += size - int(good.sum())
        self._tell(batch, which, wrong, timed, good)
        which, given_s = which[good], given[good].astype(np.uint32)
        table, phones = self._table[which], np.ascontiguousarray(batch.phones[good])
        state = grade_columns(table, given_s, np.full(len(which), self._bit), self._now)
        standings = self._ledger.standings
        known, _number = standings.look_up(
            phones, self._common.sender, self._group, self._bit, self._now
        )
        for over in (GroundsState.UNCLEAR, GroundsState.REFUSED):
            state[known == over] = over
        self._states += np.bincount(state, minlength=len(GroundsState))
        sound = np.isin(state, [int(one) for one in SOUND])
        self._remarks["worded_before"] += int((table["worded_s"] > given_s)[sound].sum())
        self._remarks["frequency_stated"] += int((table["per_count"] == 0)[sound].sum())
        self._remarks["term_stated"] += int((table["term_s"] == 0)[sound].sum())
        if self._keep:
            rows = np.zeros(len(which), ROW)
            rows["handle"], rows["given_s"] = standings.handles(phones), given_s
            self._kept.append((which.astype(np.uint16), rows))

    def report(self) -> ClaimsReport:
        """What was found."""
        counts = {state: int(self._states[state]) for state in GroundsState}
        return ClaimsReport(
            claims=self.rows,
            hold=sum(counts[state] for state in SOUND),
            left=self._left,
            reasons={RULE_OF[s]: n for s, n in counts.items() if n and s not in SOUND},
            remarks={name: n for name, n in self._remarks.items() if n},
            problems=tuple(self._problems),
        )

    def draft(self, folder: Path, proof: str) -> Iterator[f.ConsentsImported]:
        """The facts of an import, as ``consent.draft_import`` makes them; all claims, the weak
        ones too. ``proof`` is the list's own hash: it proves the rows' own proofs of showing.
        """
        which = np.concatenate([w for w, _ in self._kept]) if self._kept else np.zeros(0)
        rows = np.concatenate([r for _, r in self._kept]) if self._kept else np.zeros(0, ROW)
        for place, terms in enumerate(self._terms):
            if terms.shown and terms.shown != self._common.shown:
                terms = msgspec.structs.replace(terms, shown=proof)
            good = consent.newest(rows[which == place])
            yield from consent.draft_rows(self._ledger, good, terms, folder)

    def _which(self, batch: Batch) -> tuple[NDArray[np.int64], dict[int, Problem]]:
        """The place of each claim's terms; negative where they are wrong, and then why."""
        size = len(batch.rows)
        codes = np.zeros(size, np.int64)
        words: list[list[str]] = []
        for name in PER_ROW:
            column = batch.terms.get(name)
            if column is None:
                words.append([""])
                continue
            texts = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(column, pa.string())), "")
            if name == "shown":  # a proof a row is one term: shown, each with its own proof
                texts = pc.if_else(pc.equal(texts, ""), "", "own")
            coded = texts.dictionary_encode()
            words.append(coded.dictionary.to_pylist() or [""])
            if math.prod(map(len, words)) >= 1 << 62:
                raise InputError([_too_many()])
            codes = codes * len(words[-1]) + coded.indices.to_numpy(zero_copy_only=False)
        distinct, inverse = np.unique(codes, return_inverse=True)
        places, wrong = np.zeros(len(distinct), np.int64), dict[int, Problem]()
        for at, code in enumerate(distinct.tolist()):
            key: list[str] = []
            for known in reversed(words):
                code, place = divmod(code, len(known))
                key.append(known[place])
            found = self._place(tuple(key[::-1]))
            if isinstance(found, Problem):
                places[at] = -1 - len(wrong)
                wrong[-1 - len(wrong)] = found
            else:
                places[at] = found
        return places[inverse], wrong

    def _place(self, key: tuple[str, ...]) -> int | Problem:
        """The place of some terms, read now or before; what is wrong with them."""
        place = self._known.get(key)
        if place is not None:
            return place
        read = _read(self._common, key)
        if isinstance(read, Problem):
            return read
        terms, act = read
        if len(self._terms) == TERMS_MAX:
            raise InputError([_too_many()])
        worded = wordings.find(self._ledger, terms.wording)
        row = np.zeros(1, _TABLE)
        row["recorded_at"], row["term_s"] = self._now, terms.term_days * _DAY_S
        row["purposes"], row["act"] = purposes_mask(terms.purposes), ACTS.index(act)
        row["shown"], row["per_count"] = bool(terms.shown), terms.per_count
        row["worded_s"] = _NEVER if worded is None else worded.at // 1000
        self._table = np.concatenate([self._table, row])
        self._terms.append(terms)
        place = self._known[key] = len(self._terms) - 1
        return place

    def _tell(
        self,
        batch: Batch,
        which: NDArray[np.int64],
        wrong: dict[int, Problem],
        timed: NDArray[np.bool_],
        good: NDArray[np.bool_],
    ) -> None:
        """The first problems, each with its row."""
        room = PROBLEMS_KEPT_MAX - len(self._problems)
        for at in np.flatnonzero(~good)[:room].tolist():
            where = f"row {batch.rows[at]}"
            if which[at] < 0:
                problem = wrong[int(which[at])]._replace(where=where)
            elif not batch.phones[at]:
                remedy = "expected 11 digits from 13 to 19, with or without +86"
                problem = Problem(where, "phone", "is no mainland mobile number", remedy)
            else:
                said = shown(str(batch.given_at[at].as_py()))
                what = "is not between 1970 and now" if timed[at] else "is no time"
                remedy = "write 2026-05-01 09:30:00 (Beijing), or with an offset"
                problem = Problem(where, "given_at", f"{said} {what}", remedy)
            self._problems.append(problem)


def _too_many() -> Problem:
    remedy = "leave columns out that are no terms, or part the list"
    return Problem("", "terms", f"the list has more than {TERMS_MAX} different terms", remedy)


def _read(common: Terms, key: tuple[str, ...]) -> tuple[Terms, Act] | Problem:
    """Common terms with what a row has of its own."""
    own: dict[str, Any] = {}
    for name, text in zip(PER_ROW, key, strict=True):
        if not text:
            continue
        if name not in _NUMBERS:
            own[name] = text
            continue
        digits = text.removesuffix(".0")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
            return Problem("", name, f"{shown(text)} is no number", "write whole days or times")
        own[name] = int(digits)
    terms = msgspec.structs.replace(common, **own)
    about = About([], "")
    act = _ACTS_ZH.get(terms.act) or about.word("act", Act, terms.act)
    consent.check_terms(about, terms)
    if act is None or not about.sound:
        return about.problems[0]
    return msgspec.structs.replace(terms, act=act.name.lower()), act


def _seconds(column: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Epoch seconds of a column, Beijing time without an offset; and which are times."""
    kind = column.type
    if pa.types.is_date(kind):
        column, kind = pc.cast(column, pa.timestamp("s")), pa.timestamp("s")
    if pa.types.is_timestamp(kind):
        shift = 0 if kind.tz else _BEIJING_S
        whole = pc.cast(column, pa.timestamp("s", kind.tz), safe=False)
        values = pc.fill_null(pc.cast(whole, pa.int64()), 0)
        return values.to_numpy(zero_copy_only=False) - shift, _flags(pc.is_valid(column))
    texts = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(column, pa.string())), "")
    plain = pc.match_substring_regex(texts, _ISO)
    try:
        quick = pc.cast(pc.if_else(plain, texts, "1970-01-01"), pa.timestamp("s"))
        found = pc.cast(quick, pa.int64()).to_numpy(zero_copy_only=False) - _BEIJING_S
        timed = _flags(plain).copy()
    except pa.ArrowInvalid:  # a 30 February among them: one by one
        found, timed = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    found = found.copy()
    for at in np.flatnonzero(~timed).tolist():
        try:
            found[at] = moment(texts[at].as_py()) // 1000
            timed[at] = True
        except ValueError:
            continue
    return found, timed


def _flags(column: Any) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = column.to_numpy(zero_copy_only=False).astype(np.bool_)
    return flags
