"""The questions of a probe, in order of worth: each answer settles several points, and what was answered is not
asked again.

The ceiling of calls is the client's own, retries included; whatever it leaves unasked stays open. Page sizes come
first, so that no later question is refused for its size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from freshsales_source.api.client import Client
from freshsales_source.clock import Clock
from freshsales_source.entities import (
    APPOINTMENTS,
    CONTACTS,
    DEALS,
    PRODUCTS,
    SALES_ACCOUNTS,
    SALES_ACTIVITIES,
    TASKS,
)
from freshsales_source.errors import CallCeilingReached, NotTheApi, ObjectError, SavedViewNotFound
from freshsales_source.pages.views import View, bin_setting, find, find_bin, parse_rows
from freshsales_source.probe.questions import Questions
from freshsales_source.probe.reply import Evidence, Outcome, Reply
from freshsales_source.probe.search_questions import ask_searches
from freshsales_source.schema.entity_types import Entity, Views
from freshsales_source.settings.config import Settings

IN_VIEWS = (CONTACTS, SALES_ACCOUNTS, DEALS)
LARGEST = 100
SMALLER = (50, 25)
"""Sizes to try where the largest is refused; the last is the default (documented)."""

NO_SUCH = "freshsales_probe_no_such_name"


def interview(client: Client, settings: Settings, clock: Clock) -> Evidence:
    """Ask everything; raises what is fatal or ends a run, save for the ceiling of calls, which only ends the asking."""
    evidence = Evidence()
    try:
        _Interview(Questions(client, clock, evidence), settings).run()
    except CallCeilingReached as error:
        evidence.ended = f"no calls were left ({error.what})"
    return evidence


class _Interview:
    def __init__(self, questions: Questions, settings: Settings) -> None:
        self._ask = questions
        self._evidence = questions.evidence
        self._settings = settings
        self._size = self._size_with_include = LARGEST

    def run(self) -> None:
        for entity in IN_VIEWS:
            self._find_views(entity)
        if all(reply.outcome is Outcome.NOT_FOUND for reply in self._evidence.replies.values()):
            raise NotTheApi(
                "every address answers 404", remedy="Check `domain`: Profile settings, API settings shows it."
            )
        self._measure_pages()
        self._go_past_the_end()
        self._order("contacts", 0, "created_at", "asc")
        self._order_with_include(SALES_ACCOUNTS)
        self._order("sales_accounts", 0, "created_at", "asc")
        self._order_with_include(DEALS)
        self._order("deals", 1, "created_at", "asc")
        self._order("deals", 2, "created_at", "asc", name="deals created_at asc again")
        self._look_at_bins()
        self._ask_lists()
        ask_searches(self._ask)
        self._ask_unknown()
        self._fetch_binned()
        self._ask.get("leads filters", "leads/filters", "filters")
        self._ask.get("modules", "settings/module_customizations", "")
        self._order("contacts", 0, "updated_at", "asc")
        self._order("contacts", 0, "id", "asc")
        self._order("sales_accounts", 0, "id", "asc")
        self._order("deals", 0, "id", "asc")

    # Views

    def _find_views(self, entity: Entity) -> None:
        reply = self._ask.get(f"{entity.name} filters", f"{entity.name}/filters", "filters")
        if not reply.is_answered:
            return
        try:
            seen = parse_rows(list(reply.rows), f"{entity.name}/filters")
        except ObjectError as error:
            self._ask.leave_out(entity.name, error.what)
            return
        self._evidence.views[entity.name] = seen
        self._evidence.chosen[entity.name] = self._chosen(entity, seen)
        self._evidence.chosen[f"{entity.name} bin"] = self._chosen_bin(entity, seen)

    def _chosen(self, entity: Entity, seen: tuple[View, ...]) -> tuple[View, ...]:
        """The live views that a sync would read, as many of them as there are."""
        assert isinstance(entity.read, Views)
        found = []
        for choice in self._settings.views.get(entity.name, entity.read.live):
            try:
                found.append(find(entity.name, choice, seen))
            except SavedViewNotFound:
                continue
        return tuple(found)

    def _chosen_bin(self, entity: Entity, seen: tuple[View, ...]) -> tuple[View, ...]:
        assert isinstance(entity.read, Views)
        choice = self._settings.views.get(bin_setting(entity.name), (entity.read.bin,))[0]
        try:
            return (find_bin(entity.name, choice, seen),)
        except SavedViewNotFound:
            return ()

    def _view(self, question: str, object: str, number: int, params: Mapping[str, str | int]) -> Reply | None:
        """Ask one of the object's views; None where it has not so many."""
        chosen = self._evidence.chosen.get(object, ())
        if number >= len(chosen):
            self._ask.leave_out(question, "no view to read was found")
            return None
        name = object.removesuffix(" bin")
        return self._ask.get(question, f"{name}/view/{chosen[number].id}", name, params)

    # Pages

    def _measure_pages(self) -> None:
        """The newest contacts, bare and with `include`: sizes, envelopes, order and ties from two answers."""
        bare = self._measured("contacts", {}, "contacts updated_at desc")
        self._size = _working(bare, self._size)
        if bare is not None and bare.asked == LARGEST == len(bare.rows) < (bare.total or 0):
            more = self._view("contacts over the cap", "contacts", 0, {"page": 1, "per_page": LARGEST + 1})
            self._evidence.over_cap = _over_cap(more)
        wide = self._measured("contacts", _including(CONTACTS), "contacts with include")
        self._size_with_include = min(self._size, _working(wide, self._size))

    def _measured(self, object: str, include: Mapping[str, str], name: str) -> Reply | None:
        """The newest page at the largest size that is not refused; where that falls back to 25, at 50 once more."""
        largest, reply = self._size, None
        for size in (largest, *(smaller for smaller in SMALLER if smaller < largest)):
            reply = self._view(name, object, 0, {**_newest(size), **include})
            if reply is None or reply.outcome is not Outcome.REFUSED:
                break
            self._evidence.over_cap = "refused"
        if reply is None or not _is_cut(reply):
            return reply
        self._evidence.over_cap = self._evidence.over_cap or "clamped"
        if len(reply.rows) == SMALLER[-1] and reply.asked == LARGEST:
            again = self._view(f"{name} again", object, 0, {**_newest(SMALLER[0]), **include})
            if again is not None and len(again.rows) > len(reply.rows):
                self._evidence.over_cap = "ignored"
                self._evidence.replies[name] = reply = again
        return reply

    def _go_past_the_end(self) -> None:
        """One page further than there is; where no total tells, the second page, if the first was not full."""
        first = self._evidence.reply("contacts updated_at desc")
        if not first.is_answered or not first.rows:
            self._ask.leave_out("contacts past the end", "there are no contacts to page through")
            return
        size = len(first.rows)
        if first.total_pages is None and first.total is None and size == first.asked:
            self._ask.leave_out("contacts past the end", "the list does not tell where it ends")
            return
        pages = first.total_pages or math.ceil((first.total or size) / size)
        params: dict[str, str | int] = {**_newest(self._size), "page": pages + 1}
        self._view("contacts past the end", "contacts", 0, params)

    # Orders

    def _order(self, object: str, number: int, column: str, direction: str, *, name: str = "") -> None:
        """Ask a view of the object in that order; the deals' views are taken in turn, for their totals."""
        params = {**_newest(self._size), "sort": column, "sort_type": direction}
        self._view(name or f"{object} {column} {direction}", object, number, params)

    def _order_with_include(self, entity: Entity) -> None:
        size = self._size_with_include if self._evidence.over_cap in ("refused", "ignored") else LARGEST
        self._view(f"{entity.name} updated_at desc", entity.name, 0, {**_newest(size), **_including(entity)})

    def _look_at_bins(self) -> None:
        for entity in IN_VIEWS:
            name = f"{entity.name} bin"
            self._view(f"{name} updated_at desc", name, 0, _newest(self._size))

    # Lists without views

    def _ask_lists(self) -> None:
        newest = _newest(self._size)
        for entity in (SALES_ACTIVITIES, PRODUCTS):
            self._ask.get(f"{entity.name} updated_at desc", entity.path.lstrip("/"), entity.name, newest)
        for entity, names in ((TASKS, ("open", "completed")), (APPOINTMENTS, ("past", "upcoming"))):
            for name in names:
                self._ask.get(f"{entity.name} {name}", entity.name, entity.name, {**newest, "filter": name})

    # What the API does not know, and what lies in the bin

    def _ask_unknown(self) -> None:
        """Both unknown names in one question; one by one only where that is refused."""
        base = {"page": 1, "per_page": 1}
        include, sort = {"include": NO_SUCH}, {"sort": NO_SUCH, "sort_type": "desc"}
        both = self._view("unknown names", "contacts", 0, {**base, **include, **sort})
        if both is not None and both.outcome is Outcome.REFUSED:
            self._view("unknown include", "contacts", 0, {**base, **include})
            self._view("unknown sort", "contacts", 0, {**base, **sort})

    def _fetch_binned(self) -> None:
        for entity in IN_VIEWS:
            binned = self._evidence.reply(f"{entity.name} bin updated_at desc")
            if binned.rows:
                self._ask.get("binned record", f"{entity.name}/{binned.ids[0]}", "")
                return
        self._ask.leave_out("binned record", "no recycle bin that was seen holds a record")


def _newest(size: int) -> dict[str, str | int]:
    return {"page": 1, "per_page": size, "sort": "updated_at", "sort_type": "desc"}


def _including(entity: Entity) -> dict[str, str]:
    return {"include": ",".join(entity.include)}


def _is_cut(reply: Reply) -> bool:
    """Whether fewer records came than were asked for, though there are more."""
    if not reply.is_answered or reply.asked is None or len(reply.rows) >= reply.asked:
        return False
    return reply.total is not None and reply.total > len(reply.rows)


def _working(reply: Reply | None, asked: int) -> int:
    """A page size that is served as asked."""
    if reply is None or not reply.is_answered:
        return asked
    return len(reply.rows) if _is_cut(reply) else (reply.asked or asked)


def _over_cap(reply: Reply | None) -> str | None:
    """What became of a page size just above the one that was served."""
    if reply is None or reply.outcome not in (Outcome.ANSWERED, Outcome.REFUSED):
        return None
    if reply.outcome is Outcome.REFUSED:
        return "refused"
    return {LARGEST: "clamped", LARGEST + 1: "served"}.get(len(reply.rows), "ignored")
