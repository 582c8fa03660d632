"""What the errands of a reader hand in, from several threads, until the next load takes it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

import pyarrow.compute as pc

from freshsales_source.decode import Page
from freshsales_source.reading.batch import Tally
from freshsales_source.reading.forgetting import Forgetting
from freshsales_source.reading.rows import Answered, Rows, rows_to_load
from freshsales_source.schema.entity_types import IS_DELETED, Entity
from freshsales_source.state.loaded_ids import LoadedIds
from freshsales_source.walk import WalkState
from freshsales_source.warehouse.deletions import StoredRows
from freshsales_source.warehouse.stored_rows import count_binned


class Intake:
    """Pages and the walks' states that belong to them; counted in the reader's tally, their ids noted in `loaded`.

    `live_id` is a record that was on a page of live records a moment ago. `forgetting` keeps the rows of forgotten
    records back. `stored` tells which records in the bin are no news.
    """

    def __init__(
        self,
        entity: Entity,
        tally: Tally,
        loaded: LoadedIds,
        forgetting: Forgetting,
        stored: StoredRows | None = None,
    ) -> None:
        self.live_id: int | None = None
        self._binned_id: int | None = None
        self.forgetting = forgetting
        self._entity = entity
        self._tally = tally
        self._noted = loaded
        self._stored = stored
        self._answered: list[Answered] = []
        self._states: dict[str, WalkState] = {}
        self._loaded: set[int] = set()
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether everything that was read was taken."""
        return not self._answered

    def witness(self, *, may_be_binned: bool) -> int | None:
        """A record that must be there: a live one, or else one in the bin, of which the server may not answer."""
        return self._binned_id if self.live_id is None and may_be_binned else self.live_id

    def new_load(self) -> None:
        """Note that what was handed over so far is loaded, so that a newer version of a row may follow."""
        self._loaded.clear()

    def add(self, answered: Answered, state: WalkState | None = None, *, is_news: bool = True) -> None:
        """Take a page, and the state of its walk that is true once its rows are loaded.

        `is_news` is False for a page that was counted before.
        """
        page = answered.page
        with self._lock:
            self._answered.append(answered)
            if state is not None:
                self._states[answered.source] = state
            if not is_news:
                return
            self._tally.rows_read += len(page.ids)
            self._tally.see(page.content, (answered.source, page.number if answered.source else page.ids[0]))
            if not answered.is_bin:
                self._note_live(page.ids, page.content)
            elif answered.source and page.ids:
                self._binned_id = page.ids[0]

    def _note_live(self, ids: Sequence[int], content: Page) -> None:
        place = pc.index(content.tables[self._entity.name][IS_DELETED.name], False).as_py()
        if place >= 0:
            self.live_id = ids[place]

    def add_record(self, record: Page, *, is_bin: bool) -> None:
        """Take a record that was fetched alone; `is_bin` tells that it says to lie in the recycle bin."""
        self.add(Answered.alone(record, is_bin=is_bin))

    def rows(self, gone: Collection[int]) -> Rows:
        """The rows to load now, every id once; `gone` are left out."""
        with self._lock:
            answered, self._answered = self._answered, []
        # A record found gone may stand on an older page of the same load: its flagged row is the one to keep.
        rows = rows_to_load(
            answered,
            parent=self._entity.name,
            key=self._entity.foreign_key,
            loaded=self._loaded | set(gone),
        )
        self._loaded |= rows.ids
        rows = self.forgetting.parted(rows, gone)
        self._noted.add(self._entity.name, rows.ids)
        self._tally.rows_loaded += len(rows.ids)
        self._tally.rows_deleted += len(rows.binned) - self._flagged_before(rows.binned)
        return rows

    def _flagged_before(self, ids: Collection[int]) -> int:
        """How many of these stand in the warehouse as what they are: a bin may be read whole in every run."""
        if self._stored is None or self._tally.watermark_before is None:
            return 0
        return count_binned(self._stored, self._entity.name, ids)

    def take_states(self) -> dict[str, WalkState]:
        """The newest state of each walk that went on, by list; each is told once."""
        with self._lock:
            states, self._states = self._states, {}
        return states
