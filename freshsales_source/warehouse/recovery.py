"""Before a run: does the memory kept beside the pipeline agree with what the warehouse proves?

Rows and state are loaded in one package, so the state row in the warehouse is true of the rows there, and the copy
kept by dlt on this machine is a cache. The two part when a backup is restored, the file is deleted, another machine
syncs, or the folder is lost with its container. Then the warehouse's state is taken, older or newer (dlt alone takes
it only when newer), and what it does not prove is read again. A package that waits to be loaded is loaded only onto
the warehouse it was made for: onto another it would bring state that claims rows which are not there.

Somebody may also drop or empty a table, which no state shows. So each run leaves the number of rows of every table in
the state (the proof), and the next run counts them: an object with fewer rows is read again whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import dlt
from dlt.common.destination.client import WithStateSync
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from freshsales_source.entities import CUSTOM_MODULES
from freshsales_source.entities.feeds import FEEDS
from freshsales_source.warehouse.metadata import METADATA
from freshsales_source.warehouse.packages import (
    SOURCE,
    StagingTables,
    drop,
    mend_copies,
    waiting_packages,
)

_PROOF = "proof"
_FEEDS = frozenset(feed.name for feed in FEEDS)
_SETTINGS = frozenset(table.name for table in METADATA)  # these come with the settings of the objects
_MARK = "freshsales_last_load"  # in the local part of dlt's state: the newest load this machine knows of

State: TypeAlias = Mapping[str, Any]

_LOG = logging.getLogger(__name__)


class Tables(StagingTables, Protocol):
    """The few questions that are asked of the warehouse."""

    @property
    def can_answer(self) -> bool:
        """Whether rows can be asked for."""
        ...

    def exists(self) -> bool:
        """Whether there is anything to ask, without making it."""
        ...

    def last_load(self) -> str | None:
        """The newest load that was completed; None where there is none."""
        ...

    def row_counts(self, tables: Iterable[str]) -> dict[str, int | None]:
        """Rows of each table; None where it does not exist."""
        ...

    def forget_schema(self) -> None:
        """Let the next load look again which tables and columns there are."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where memory and warehouse did not agree: the run's `reason`, and what was done, in one line.

    `is_usual` in some installations, such as containers that keep no files: no cause for a warning.
    """

    reason: str
    text: str
    is_usual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What the warehouse holds: dlt's state, if any, and the newest load."""

    state: State | None = None
    last_load: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Brings the memory of a pipeline in line with its warehouse; `drain` loads the packages that wait.

    `account`: the host of the account whose records the pipeline loads.
    """

    pipeline: dlt.Pipeline
    account: str
    tables: Tables
    drain: Callable[[], None] = field(repr=False)

    def reconcile(self) -> tuple[Finding, ...]:
        """Load what waits, take the state that the warehouse proves; what did not agree, the gravest first."""
        stored = self._load_what_waits(self._stored())
        found = [self._agree(stored), self._missing_rows(proof_of(stored.state))]
        self.note_load(stored.last_load)
        findings = tuple(finding for finding in found if finding is not None)
        for finding in findings:
            level = logging.INFO if finding.is_usual else logging.WARNING
            _LOG.log(level, "state_recovered reason=%s what=%r", finding.reason, finding.text)
        self._open_proof()
        return findings

    def note_load(self, load_id: str | None) -> None:
        """Remember the newest load of this machine."""
        if load_id is not None:
            self.pipeline.set_local_state_val(_MARK, load_id)

    def proof(self, run_id: str | None, more: Mapping[str, int]) -> dict[str, Any]:
        """What the next run will compare with: rows of every table now, and `more` that are loaded with this.

        Without a `run_id` it stays that of the last run.
        """
        run_id = proof_of(self.pipeline.state).get("run_id", "") if run_id is None else run_id
        counts = self.tables.row_counts(self._known_tables()) if self.tables.can_answer else {}
        rows = {name: (counts.get(name) or 0) + more.get(name, 0) for name in {*counts, *more}}
        rows = dict(sorted(rows.items()))
        return {"run_id": run_id, "account": self.account, "rows": rows, "is_current": True}

    # Packages that wait

    def _load_what_waits(self, stored: _Stored) -> _Stored:
        if not self.pipeline.has_pending_data:
            return stored
        waiting = waiting_packages(self.pipeline)
        if stored.last_load in waiting:
            # Killed just after the load: dlt would stumble over a package that is complete and was not put away.
            self._take(stored, dropped=len(waiting), reason="loaded_already")
            return stored
        if not self.pipeline.state.get("default_schema_name"):
            # Killed in the very first load, before dlt noted whose package that is: it would never touch it.
            self._take(stored, dropped=len(waiting), reason="schema_not_noted")
            return stored
        if stored.last_load != self._mark():
            _LOG.warning("packages_dropped count=%d reason=made_for_another_warehouse", len(waiting))
            return stored
        if not mend_copies(self.pipeline, self.tables):
            self._take(stored, dropped=len(waiting), reason="half_copied")
            return stored
        _LOG.info("packages_loaded count=%d", len(waiting))
        self.drain()
        if self.tables.exists():
            # A kill between the package and the local state leaves that one behind.
            self.pipeline.sync_destination()
        return self._stored()

    def _mark(self) -> str | None:
        try:
            return str(self.pipeline.get_local_state_val(_MARK))
        except KeyError:
            return None

    # State

    def _stored(self) -> _Stored:
        if not self.tables.exists():
            return _Stored()
        with self.pipeline.destination_client() as client:
            if not isinstance(client, WithStateSync):
                return _Stored(state=self.pipeline.state, last_load=self.tables.last_load())
            try:
                state = load_pipeline_state_from_destination(self.pipeline.pipeline_name, client)
            except (DestinationUndefinedEntity, DatabaseUndefinedRelation):
                state = None
        return _Stored(state=state, last_load=self.tables.last_load())

    def _agree(self, stored: _Stored) -> Finding | None:
        """Take the state of the warehouse where it is not the local one."""
        here, there = _resources(self.pipeline.state), _resources(stored.state)
        mark = self._mark()
        if here == there and not self.pipeline.has_pending_data:
            return None
        self._take(stored)
        return _finding(stored, is_empty_here=not here, mark=mark)

    def _take(self, stored: _Stored, *, dropped: int = 0, reason: str = "") -> None:
        """Put what the warehouse holds in the place of everything here, packages included."""
        if dropped:
            _LOG.info("packages_dropped count=%d reason=%s", dropped, reason)
        drop(self.pipeline)
        if stored.state is not None:
            self.pipeline.sync_destination()
        elif self.tables.can_answer and self.tables.exists():
            self.tables.forget_schema()

    # Tables

    def _known_tables(self) -> list[str]:
        schema = self.pipeline.schemas.get(SOURCE)
        return [] if schema is None else schema.data_table_names(seen_data_only=True)

    def _missing_rows(self, proof: State) -> Finding | None:
        """Forget what was read of objects whose tables are gone, or hold fewer rows than the last run left."""
        known = {*self._known_tables(), *proof.get("rows", {})}
        if not known or not self.tables.can_answer:
            return None
        counts = self.tables.row_counts(sorted(known))
        gone = {name for name in known if counts[name] is None}
        short = {
            name for name, rows in proof.get("rows", {}).items() if _is_short(name, counts[name], rows, proof)
        }
        if gone:
            with self.pipeline.destination_client() as client:
                client.update_stored_schema(force=True)
        if not gone | short:
            return None
        return self._read_again(sorted(gone | short))

    def _read_again(self, tables: list[str]) -> Finding:
        with self.pipeline.managed_state() as state:
            objects = state["sources"][SOURCE]["resources"]
            again = {_object_of(table, objects) for table in tables} & set(objects)
            for name in again:
                _forget(objects, name)
            if _SETTINGS & set(tables):
                for memory in objects.values():
                    memory.update({"looked_up_at": None} if "looked_up_at" in memory else {})
        read = f"read again whole: {', '.join(sorted(again))}" if again else "no record is missing"
        return Finding(reason="tables_changed", text=f"rows are gone from {', '.join(tables)}; {read}")

    def forget_objects(self, names: Iterable[str]) -> None:
        """Let these objects be read again whole; the next load carries it into the warehouse."""
        with self.pipeline.managed_state() as state:
            objects = state.get("sources", {}).get(SOURCE, {}).get("resources", {})
            for name in set(names) & set(objects):
                _forget(objects, name)

    # The proof

    def _open_proof(self) -> None:
        """From the first slice on the numbers are those of an earlier run, which a killed one need not match."""
        proof = proof_of(self.pipeline.state)
        if proof:
            self.save_proof({**proof, "is_current": False})

    def save_stubs(self, object: str, stubs: Mapping[str, Any]) -> None:
        """Put stubs of forgotten records into the state of their object, which the next load carries."""
        with self.pipeline.managed_state() as state:
            objects = state.get("sources", {}).get(SOURCE, {}).get("resources", {})
            # Of an object that was never read to the end of a load, nothing is remembered, and its pages will tell.
            if "version" in objects.get(object, {}):
                objects[object].setdefault("stubs", {}).update(stubs)

    def save_proof(self, proof: Mapping[str, Any]) -> None:
        """Put the proof into the state that the next load carries."""
        with self.pipeline.managed_state() as state:
            sources: dict[str, Any] = state.setdefault("sources", {})
            sources.setdefault(SOURCE, {})[_PROOF] = dict(proof)


def _object_of(table: str, objects: Collection[str]) -> str:
    """The object whose records fill a table: it itself, its lists, its history. A custom module may be called so."""
    name = table.partition("__")[0]
    return name if name in objects else name.removesuffix("_history")


def _resources(state: State | None) -> Mapping[str, Any]:
    """What a state remembers of the objects."""
    resources: Mapping[str, Any] = (state or {}).get("sources", {}).get(SOURCE, {}).get("resources", {})
    return resources


def proof_of(state: State | None) -> State:
    """What a run left for the next one to compare with; empty where it left nothing."""
    proof: State | None = (state or {}).get("sources", {}).get(SOURCE, {}).get(_PROOF)
    return proof or {}


def _is_short(table: str, rows: int | None, proven: int, proof: State) -> bool:
    """Whether rows are gone.

    While a run was cut its proof is old: lists and feeds may be shorter, but no record disappears.
    """
    if rows is None or proof["is_current"]:
        return (rows or 0) < proven
    return rows == 0 < proven and "__" not in table and table not in _FEEDS


def _forget(objects: dict[str, Any], name: str) -> None:
    """Let an object be read again. Which table a custom module has is not forgotten: it was given once and for ever."""
    if name == CUSTOM_MODULES.name:
        objects[name].pop("directory", None)
    else:
        del objects[name]


def _finding(stored: _Stored, *, is_empty_here: bool, mark: str | None) -> Finding | None:
    if stored.state is None:
        if is_empty_here:
            return None
        text = "the warehouse knows of no earlier sync (deleted, or made anew): everything is read again"
        return Finding(reason="warehouse_new", text=text)
    run_id = proof_of(stored.state).get("run_id")
    as_of = f"taken, as of run {run_id}" if run_id else "taken"
    if is_empty_here:
        text = f"no state on this machine: that of the warehouse is {as_of}"
        return Finding(reason="state_from_warehouse", text=text, is_usual=True)
    if mark is None or (stored.last_load or "") > mark:
        text = f"another machine has synced into this warehouse: its state is {as_of}"
        return Finding(reason="warehouse_newer", text=text, is_usual=True)
    text = (
        f"the warehouse is older than the last sync (a backup?): its state is {as_of}, the rest is read again"
    )
    return Finding(reason="warehouse_older", text=text)
