"""Who may refresh how many pages in this run: the pages of one account go to what was left unread longest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from freshsales_source.census.refresh_state import RefreshState


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One object's wish: where its refresh stands and about how many pages its cycle still has to read."""

    name: str
    state: RefreshState
    pages_left: int


def turns(claims: Iterable[Claim], pages: int) -> dict[str, int]:
    """How many pages each object reads in this run, `pages` in all at most; objects without a turn are left out.

    A cycle that has begun goes on before another begins, and the next to begin is the one that ended first. So
    every object is read once in about as many runs as all objects' pages take. One that goes on may take a page more:
    where two runs meet, one may have to be read twice, and a single page would never get beyond that.
    """
    out: dict[str, int] = {}
    for claim in sorted(claims, key=_order):
        if pages > 0 and claim.pages_left > 0:
            wanted = claim.pages_left + claim.state.is_in_progress
            out[claim.name] = min(pages, wanted)
            pages -= out[claim.name]
    return out


def _order(claim: Claim) -> tuple[float, float, str]:
    ended = -inf if claim.state.ended is None else claim.state.ended
    return ended, inf if claim.state.began is None else claim.state.began, claim.name
