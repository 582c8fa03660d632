"""What can be said about an object after a run, and the run's exit code. Pure: facts in, verdict out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from freshsales_source.errors import (
    ONE_VIEW,
    CallCeilingReached,
    Forbidden,
    FreshsalesError,
    Interrupted,
    NotFound,
    ObjectError,
    RetriableError,
    SavedViewNotFound,
    TooManyVanished,
)
from freshsales_source.exit_codes import ExitCode, prevailing

_OF_SETTINGS = Forbidden, NotFound, SavedViewNotFound
"""What a person has to mend, and no later run."""
_FEW = 3
"""Objects that the first line of `status` names one by one where reading goes on."""


class Verdict(StrEnum):
    """How far the copy of one object can be trusted."""

    MATCHED = "matched"
    """The counts are equal, and everything the views showed was read."""
    MOVING = "moving"
    """The counts differ, and people were working while the object was read."""
    MISMATCH = "mismatch"
    """The counts differ, and nothing moved."""
    UNCHECKED = "unchecked"
    """There is no count to compare with."""
    PARTIAL = "partial"
    """Reading goes on in the next run."""
    FAILED = "failed"
    """The object could not be read."""
    NOT_AVAILABLE = "not_available"
    """This account has no such object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many records lists say they hold and how many rows there are of them; None where not known.

    `traced` is how many records their pages showed, where the search for a difference counted them.
    """

    expected: int | None = None
    loaded: int | None = None
    traced: int | None = None

    @property
    def is_different(self) -> bool:
        """Whether both numbers are known, and not equal."""
        return None not in (self.expected, self.loaded) and self.expected != self.loaded

    @property
    def lags(self) -> bool:
        """Whether it differs only because what the lists say is not what their pages show."""
        return self.is_different and self.traced is not None and self.traced == self.loaded

    def __str__(self) -> str:
        counts = f"{self.expected} in the CRM, {self.loaded} in the warehouse"
        return f"{counts}; but the pages show {self.traced}, so the CRM's count lags" if self.lags else counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run found out about one object.

    `expected` and `loaded` count live records in the CRM's views and in the warehouse; None where not known.
    `unread` names pipelines whose deals are missing, or may be, and why; `unseen` those of which no deal was seen in
    the views that were chosen, nor could any be counted. `is_lookup` objects have no count at all.
    `is_stuck`: the run loaded no row of it. `held_back`: why records that are no longer shown were not flagged.
    `traced` is how many live records the pages themselves showed; `binned` counts the recycle bin.
    `watched` counts the live records of the lists that are read in each run, where others are only counted.
    `out_of_sight` counts records that this key may not fetch alone, either (403).
    `remarks` may explain counts that differ or are missing; `notes` tell what else the run did.
    """

    error: FreshsalesError | None = None
    absence: FreshsalesError | None = None
    is_lookup: bool = False
    is_complete: bool = True
    is_filtered: bool = False
    expected: int | None = None
    loaded: int | None = None
    has_moved: bool = False
    doubts: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    is_stuck: bool = False
    held_back: str = ""
    traced: int | None = None
    binned: Count = Count()
    watched: Count = Count()
    out_of_sight: int = 0
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def live(self) -> Count:
        """The counts of live records."""
        return Count(expected=self.expected, loaded=self.loaded, traced=self.traced)

    @property
    def is_different(self) -> bool:
        """Whether an object that was read whole has another count than the CRM says."""
        has_ended = self.error is not None or self.absence is not None
        is_whole = self.is_complete and not has_ended and not self.is_filtered and not self.unread
        return is_whole and (self.live.is_different or self.watched.is_different)

    @property
    def stood_still(self) -> bool:
        """Whether it will be called a mismatch for counts that differ though nothing was seen to move."""
        differ = any(count.is_different for count in (self.live, self.watched, self.binned))
        return differ and not self.unread and _judge(self)[0] is Verdict.MISMATCH

    @property
    def is_matched(self) -> bool:
        """Whether everything was read and all counts are equal."""
        return _judge(self)[0] is Verdict.MATCHED

    @property
    def has_hidden(self) -> bool:
        """Whether rows tell of more records than the lists show: some may be out of this key's sight.

        Where people are at work, only if one was found to be.
        """
        if isinstance(self.error, TooManyVanished):
            return True
        has_more = self.live.is_different and (self.loaded or 0) > (self.expected or 0)
        return has_more and (self.out_of_sight > 0 or _judge(self)[0] is Verdict.MISMATCH)

    @property
    def differences(self) -> tuple[int, ...]:
        """By how much the counts differ, those of all live records first; empty where they are equal or not known."""
        if not self.is_different:
            return ()
        return tuple((count.expected or 0) - (count.loaded or 0) for count in (self.live, self.watched))


def judge(facts: Facts) -> tuple[Verdict, str]:
    """The verdict on one object, and the reason in one line (empty where there is nothing to explain)."""
    verdict, reason = _judge(facts)
    return verdict, "; ".join([*([reason] if reason else []), *facts.notes])


def _judge(facts: Facts) -> tuple[Verdict, str]:
    if isinstance(facts.error, CallCeilingReached) and facts.is_stuck and not facts.is_complete:
        return (
            Verdict.PARTIAL,
            f"{str(facts.error).rstrip('.')}. So few calls bring it no further: allow more",
        )
    if isinstance(facts.error, RetriableError | Interrupted):
        return Verdict.PARTIAL, str(facts.error)
    if facts.error is not None:
        return Verdict.FAILED, str(facts.error)
    if facts.absence is not None:
        return (
            Verdict.NOT_AVAILABLE,
            f"this account has no such object, or not for this key ({facts.absence.reason})",
        )
    if facts.is_lookup:
        return (Verdict.MISMATCH, facts.held_back) if facts.held_back else (Verdict.MATCHED, "")
    if not facts.is_complete:
        return Verdict.PARTIAL, "older records are still to be read"
    return _compare(facts)


def _compare(facts: Facts) -> tuple[Verdict, str]:
    if facts.unread:
        return Verdict.MISMATCH, f"deals are missing, or may be: {'; '.join(facts.unread)}. {ONE_VIEW}"
    if facts.is_filtered:
        return Verdict.UNCHECKED, "`start_date` leaves out older records, so the counts cannot be compared"
    if facts.expected is None or facts.loaded is None:
        return Verdict.UNCHECKED, "no count to compare with" + _because((*facts.doubts, *facts.remarks))
    if facts.unseen:
        names = ", ".join(f'"{name}"' for name in facts.unseen)
        return Verdict.UNCHECKED, f"no deal of pipeline {names} was seen, and the search cannot count them"
    counts = {"": facts.live, "still to be done: ": facts.watched, "recycle bin: ": facts.binned}
    differing = {where: count for where, count in counts.items() if count.is_different}
    if not differing and not facts.doubts:
        return Verdict.MATCHED, ""
    told = "; ".join(f"{where}{count}" for where, count in (differing or {"": facts.live}).items())
    reason = told + _because((*facts.doubts, *facts.remarks))
    if differing and all(count.lags for count in differing.values()):
        return Verdict.MOVING, reason
    if facts.has_moved:
        return Verdict.MOVING, f"{reason}; records came and went during the run"
    return Verdict.MISMATCH, reason


def _because(doubts: tuple[str, ...]) -> str:
    return f": {'; '.join(doubts)}" if doubts else ""


def exit_code(
    verdicts: Iterable[Verdict],
    errors: Iterable[FreshsalesError],
    *,
    has_read: bool = False,
    is_strict: bool = False,
) -> ExitCode:
    """The run's exit code: 3 if no object could be read, 75 if it is not finished, 4 if one is not whole, else 0.

    `has_read`: there are rows of some object all the same, as where only the view of its recycle bin is missing.
    """
    seen, errors = list(verdicts), list(errors)
    wanted = [verdict for verdict in seen if verdict is not Verdict.NOT_AVAILABLE]
    refused = [error for error in errors if isinstance(error, ObjectError)]
    is_refused = len(refused) == len(wanted) and all(isinstance(error, _OF_SETTINGS) for error in refused)
    if wanted and is_refused and not has_read:
        return ExitCode.CONFIGURATION
    codes = [error.exit_code for error in errors]
    if Verdict.PARTIAL in seen:
        codes.append(ExitCode.UNFINISHED)
    if {Verdict.FAILED, Verdict.MISMATCH} & set(seen) or (is_strict and Verdict.UNCHECKED in seen):
        codes.append(ExitCode.INCOMPLETE)
    return prevailing(codes)


def summary(verdicts: Iterable[tuple[str, Verdict, str]], at: str, *, left: str = "") -> str:
    """The first line of `status`: how whole the copy is, as of when; `left` is what an unfinished one still takes."""
    rows = [(name, verdict, why.rstrip(".")) for name, verdict, why in verdicts]
    partial = [(name, why) for name, verdict, why in rows if verdict is Verdict.PARTIAL]
    broken = [
        f"{name}: {why or verdict}"
        for name, verdict, why in rows
        if verdict in (Verdict.FAILED, Verdict.MISMATCH, Verdict.MOVING)
    ]
    unchecked: dict[str, list[str]] = {}
    for name, verdict, why in rows:
        if verdict is Verdict.UNCHECKED:
            unchecked.setdefault(why, []).append(name)
    doubts = "; ".join(f"{', '.join(names)}: {why}" for why, names in unchecked.items())
    if partial:
        names = ", ".join(name for name, _ in partial)
        which = names if len(partial) <= _FEW else f"{len(partial)} of {len(rows)} objects"
        return f"Not finished: {left}{': ' if left else ''}{which} ({partial[0][1]})"
    if broken:
        is_any_whole = any(verdict not in (Verdict.FAILED, Verdict.NOT_AVAILABLE) for _, verdict, _ in rows)
        start = "Whole except" if is_any_whole else "Not whole:"
        exceptions = f"{start} {'; '.join(broken)}. As of {at}"
        return f"{exceptions}. Not checked: {doubts}" if unchecked else exceptions
    return f"Not checked: {doubts}. Up to date as of {at}" if unchecked else f"Whole as of {at}"
