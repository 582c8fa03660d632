"""What happened to the records of an emulated account, told by comparing all of them after each event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from freshsales_source.emulator import Store
from freshsales_source.emulator.table import Record

DRIFT = timedelta(seconds=61)
"""How far a stamp may be off and is still told: within every lookback."""


@dataclass
class Ledger:
    """What happened to the records, told by comparing all of them.

    `silent`: those whose newest change no stamp tells. `hidden_moves`: objects of which one went into the bin or came
    out of it like that. `left_at`: when a record was last live.
    """

    store: Store
    silent: dict[str, set[int]] = field(default_factory=dict)
    hidden_moves: set[str] = field(default_factory=set)
    left_at: dict[tuple[str, int], datetime] = field(default_factory=dict)
    _known: dict[str, dict[int, tuple[Record, bool]]] = field(default_factory=dict)

    def note(self) -> None:
        """Compare with what was there before."""
        recently = self.store.clock.now() - DRIFT
        for name, table in self.store.tables.items():
            now = {i: (r, False) for i, r in table.live.items()} | {
                i: (r, True) for i, r in table.binned.items()
            }
            before, self._known[name] = self._known.get(name, now), now
            silent = self.silent.setdefault(name, set())
            self._note_who_left(name, before, now)
            for id_, (record, is_binned) in now.items():
                old, was_binned = before.get(id_, (None, False))
                if old is record and is_binned == was_binned:
                    continue
                is_told = record["updated_at"] >= recently and (
                    old is None or record["updated_at"] > old["updated_at"]
                )
                (silent.discard if is_told else silent.add)(id_)
                if not is_told and is_binned != was_binned:
                    self.hidden_moves.add(name)

    def _note_who_left(
        self, name: str, before: Mapping[int, tuple[Record, bool]], now: Mapping[int, tuple[Record, bool]]
    ) -> None:
        live = {id_ for id_, (_, is_binned) in now.items() if not is_binned}
        for id_ in live:
            self.left_at.pop((name, id_), None)
        for id_ in {id_ for id_, (_, is_binned) in before.items() if not is_binned} - live:
            self.left_at[name, id_] = self.store.clock.now()
