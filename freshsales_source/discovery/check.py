"""What `freshsales check` finds out: whether address, key and rights are right, and what there is to load.

A few calls, no record kept: owners (a cheap probe used by four clients), then for each object its saved
views and the first record of the views a sync would read, for `meta.total`. Each trouble becomes a Problem
with its remedy and exit code; printing is the command's business. A 404 tells a missing route from a wrong
alias only in company: an unknown alias answers 404 to everything (seen), a known one at least to some probe
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from freshsales_source.api.client import Answer, Client
from freshsales_source.api.envelopes import rows_of, total_of
from freshsales_source.api.limit_headers import LimitSignal
from freshsales_source.clock import Clock
from freshsales_source.errors import (
    FatalError,
    Forbidden,
    FreshsalesError,
    NotFound,
    NotTheApi,
    ObjectError,
    RetriableError,
    SavedViewNotFound,
)
from freshsales_source.exit_codes import ExitCode, prevailing
from freshsales_source.pages.views import View, bin_setting, find, find_bin, parse_views
from freshsales_source.settings.account import Account
from freshsales_source.settings.setting_values import ViewChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What a check must know of an object: its path in the API, and the names of the views a sync reads.

    `is_optional`: an account may do without it, so that a refusal (403) means the same as a 404.
    """

    object: str
    default_views: tuple[str, ...]
    bin_view: str = "Recycle Bin"
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: what, where, what to do, and what it means for the run."""

    reason: str
    what: str
    where: str
    remedy: str
    exit_code: ExitCode
    object: str | None = None

    @classmethod
    def of(cls, error: FreshsalesError, object: str | None = None) -> Problem:
        """Return the problem an error stands for; serves a ConfigurationError met before any call, too."""
        return cls(
            reason=error.reason,
            what=error.what,
            where=error.where,
            remedy=error.remedy,
            exit_code=error.exit_code,
            object=object,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFinding:
    """What is there of one object.

    `records` and `binned` are sums of `meta.total`; None where that is absent. `totals` are those of each of
    `views`.
    """

    object: str
    is_available: bool  # False: this account has no such object (404, or 403 where it is optional)
    is_readable: bool = False
    views: tuple[View, ...] = ()  # those a sync would read
    views_seen: tuple[View, ...] = ()  # all that the key can see
    totals: tuple[int | None, ...] = ()
    records: int | None = None
    binned: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The result of a check; `skew_s` is the server's clock minus ours, exact to a second."""

    account: Account
    objects: tuple[ObjectFinding, ...]
    problems: tuple[Problem, ...]
    owners: int | None
    limits: LimitSignal | None
    skew_s: float | None
    calls: int

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with: trouble with single objects is 3 once no object can be read at all."""
        return exit_code_of(self.problems, is_any_readable=any(one.is_readable for one in self.objects))


def exit_code_of(problems: Sequence[Problem], *, is_any_readable: bool) -> ExitCode:
    """The one exit code for several problems; those of single objects are 3 once no object can be read at all."""
    codes = [problem.exit_code for problem in problems]
    if codes and set(codes) == {ExitCode.INCOMPLETE} and not is_any_readable:
        return ExitCode.CONFIGURATION
    return prevailing(codes)


def diagnose(
    client: Client,
    objects: Sequence[ObjectFacts],
    *,
    clock: Clock,
    views: Mapping[str, ViewChoice] | None = None,
) -> Diagnosis:
    """Probe the account and return what was found; a wrong key or no network is a Problem, not an exception.

    `views` is the setting of that name. Costs one call, and one to four for each object.
    """
    return _Examination(client, clock).run(objects, views or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """Whether a view could be read, and `meta.total` where it was told."""

    is_readable: bool
    total: int | None


class _Examination:
    """One run of the checks, collecting as it goes."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._problems: list[Problem] = []
        self._findings: list[ObjectFinding] = []
        self._owners: int | None = None
        self._limits: LimitSignal | None = None
        self._skew_s: float | None = None
        self._has_answered = False

    def run(self, objects: Sequence[ObjectFacts], views: Mapping[str, ViewChoice]) -> Diagnosis:
        calls_before = self._client.usage().calls
        try:
            self._look_at_owners()
            for facts in objects:
                self._findings.append(self._look_at(facts, views))
            self._check_alias()
        except (FatalError, RetriableError) as error:
            self._problems.append(Problem.of(error))
        return Diagnosis(
            account=self._client.account,
            objects=tuple(self._findings),
            problems=tuple(self._problems),
            owners=self._owners,
            limits=self._limits,
            skew_s=self._skew_s,
            calls=self._client.usage().calls - calls_before,
        )

    def _look_at_owners(self) -> None:
        try:
            # Alone among the selectors, this one answers under another name than its own (documented).
            self._owners = len(rows_of(self._get("selector/owners"), "users"))
        except NotFound:
            return
        except ObjectError as error:
            self._problems.append(Problem.of(error, "owners"))

    def _look_at(self, facts: ObjectFacts, views: Mapping[str, ViewChoice]) -> ObjectFinding:
        try:
            seen = parse_views(self._get(f"{facts.object}/filters"))
        except NotFound:
            return ObjectFinding(object=facts.object, is_available=False)
        except ObjectError as error:
            if facts.is_optional and isinstance(error, Forbidden):
                return ObjectFinding(object=facts.object, is_available=False)
            self._problems.append(Problem.of(error, facts.object))
            return ObjectFinding(object=facts.object, is_available=True)
        wanted = self._find_views(facts.object, views.get(facts.object, facts.default_views), seen)
        counts = [self._count(facts.object, view) for view in wanted]
        return ObjectFinding(
            object=facts.object,
            is_available=True,
            is_readable=bool(counts) and all(count.is_readable for count in counts),
            views=tuple(wanted),
            views_seen=seen,
            totals=tuple(count.total for count in counts),
            records=_sum(counts),
            binned=self._binned(facts.object, views.get(bin_setting(facts.object), (facts.bin_view,)), seen),
        )

    def _find_views(self, object: str, wanted: ViewChoice, seen: Sequence[View]) -> list[View]:
        found = []
        for choice in wanted:
            try:
                found.append(find(object, choice, seen))
            except SavedViewNotFound as error:
                self._problems.append(Problem.of(error, object))
        return found

    def _binned(self, object: str, wanted: ViewChoice, seen: Sequence[View]) -> int | None:
        try:
            view = find_bin(object, wanted[0], seen)
        except SavedViewNotFound as error:
            self._problems.append(Problem.of(error, object))
            return None
        return _sum([self._count(object, view)])

    def _count(self, object: str, view: View) -> _Count:
        """Read one record of a view, for its count."""
        try:
            answer = self._get(f"{object}/view/{view.id}", {"page": 1, "per_page": 1})
            rows_of(answer, object)
        except ObjectError as error:
            self._problems.append(Problem.of(error, object))
            return _Count(is_readable=False, total=None)
        return _Count(is_readable=True, total=total_of(answer))

    def _check_alias(self) -> None:
        if self._has_answered or any(finding.is_available for finding in self._findings):
            return
        raise NotTheApi(
            f"every address answers 404: {self._client.account.host} is not an account",
            remedy="Check `domain`: Profile settings, API settings shows the alias.",
        )

    def _get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        answer = self._client.get(path, params)
        self._has_answered = True
        if answer.limits.limit is not None or self._limits is None:
            self._limits = answer.limits
        if self._skew_s is None and answer.served_at is not None:
            self._skew_s = (answer.served_at - self._clock.now()).total_seconds()
        return answer


def _sum(counts: Sequence[_Count]) -> int | None:
    totals = [count.total for count in counts if count.total is not None]
    return sum(totals) if totals and len(totals) == len(counts) else None
