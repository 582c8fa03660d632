"""The simplest life that still fails: what a person should look at in place of a random one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from tests.crm_world import CrmServer
from tests.life_model import Life

DULL = CrmServer()


def simplest(life: Life, fails: Callable[[Life], bool]) -> Life:
    """The life with everything taken out of it that the failure does not need."""
    while True:
        simpler = next((one for one in _simpler(life) if fails(one)), None)
        if simpler is None:
            return life
        life = simpler


def _simpler(life: Life) -> Iterator[Life]:
    """Lives that differ in one thing, the greatest simplification first."""
    yield from _shorter(life)
    yield from _with_a_dull_server(life)
    for n, run in enumerate(life.runs):
        for plain in (replace(run, events=0.0), replace(run, budget=None, kill_at=None, refuse_at=None)):
            if plain != run:
                yield replace(life, runs=(*life.runs[:n], plain, *life.runs[n + 1 :]))
    if life.habits.streams:
        yield replace(life, habits=replace(life.habits, streams=False))


def _shorter(life: Life) -> Iterator[Life]:
    for n in range(len(life.runs)):
        yield replace(life, runs=life.runs[:n] + life.runs[n + 1 :])
    for n, count in enumerate(life.imports):
        yield replace(life, imports=life.imports[:n] + life.imports[n + 1 :])
        if count > 1:
            yield replace(life, imports=(*life.imports[:n], count // 2, *life.imports[n + 1 :]))
    for fewer in sorted({0, life.history // 2, max(0, life.history - 1)} - {life.history}):
        yield replace(life, history=fewer)


def _with_a_dull_server(life: Life) -> Iterator[Life]:
    for spec in fields(CrmServer):
        dull = getattr(DULL, spec.name)
        if spec.name != "kind" and getattr(life.server, spec.name) != dull:
            yield replace(life, server=replace(life.server, **{spec.name: dull}))
