"""How far a rolling refresh has come: small, plain JSON, true as soon as the pages read so far are loaded."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from freshsales_source.census.page import BEGINNING

MOST_SEEN = 60_000
"""Characters that the ids remembered between runs may take; above, records of those keys are not judged this cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where reading stands in one list: whole pages, `position` records, were read, the last of them with `key`.

    `here` was the warehouse's rank of that key: what it has moved by since, the place has moved by, too. `stride`
    is the most records a page held. `is_done`: the list was read to its end. `print` recognises the page read last
    when the server answers with it again, which `repeats` counts. `is_checked`: the page above was read again to see
    whether the place has moved up, so the next run goes on instead of looking there once more.
    """

    position: int = 0
    key: int = BEGINNING
    here: int = 0
    stride: int = 0
    is_done: bool = False
    print: int = 0
    repeats: int = 0
    is_checked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshState:
    """The memory of one rolling refresh over the lists of one object.

    `began`: when the current cycle began, None between two; `ended`: when the last one did (seconds since 1970).
    `through`: rows up to this key were compared both ways. `seen`: ids, with keys, already shown behind it.
    `is_ordered` is False in a cycle whose lists did not keep to the order: it counts pages and compares no ids.
    """

    began: int | None = None
    ended: int | None = None
    through: int = BEGINNING
    seen: Mapping[int, int] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    is_ordered: bool = True

    @property
    def is_in_progress(self) -> bool:
        """Whether a cycle has begun and not ended."""
        return self.began is not None

    @property
    def position(self) -> int:
        """Records read so far in this cycle, all lists together."""
        return sum(place.position for place in self.places.values())

    def pages_left(self, total: int, page_size: int, *, lists: int = 1) -> int:
        """About how many pages the current cycle still has to read, at least 1 of each list not read to its end.

        The `lists` hold `total` records together; the last page of each may be short. `page_size` serves until a
        page has shown how many records the server puts on one.
        """
        stride = max((place.stride for place in self.places.values()), default=0) or page_size
        unfinished = max(1, lists - sum(place.is_done for place in self.places.values()))
        return max(0, -(-(total - self.position) // stride) - 1) + unfinished

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON, for dlt's own state."""
        return {
            "began": self.began,
            "ended": self.ended,
            "through": self.through,
            "seen": _packed(self.seen),
            "places": {name: asdict(place) for name, place in self.places.items()},
            "is_ordered": self.is_ordered,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> RefreshState:
        """Read what `to_json` wrote; a missing state is that of a refresh that never ran."""
        if not data:
            return cls()
        return cls(
            began=data["began"],
            ended=data["ended"],
            through=data["through"],
            seen=_unpacked(data["seen"]),
            places={name: Place(**place) for name, place in data["places"].items()},
            is_ordered=data["is_ordered"],
        )

    @property
    def is_small(self) -> bool:
        """Whether the ids in it may be kept between runs."""
        return len(_packed(self.seen)) <= MOST_SEEN


def _packed(seen: Mapping[int, int]) -> str:
    """Ids and keys as text: sorted, differences only, compressed. An import's ids are close, so they take little."""
    out, last_key, last_id = bytearray(), 0, 0
    for key, i in sorted((key, i) for i, key in seen.items()):
        out += _number(key - last_key) + _number(i - last_id)
        last_key, last_id = key, i
    return base64.b85encode(zlib.compress(bytes(out), 9)).decode("ascii") if out else ""


def _unpacked(text: str) -> dict[int, int]:
    if not text:
        return {}
    seen: dict[int, int] = {}
    key = record_id = 0
    numbers = _numbers(zlib.decompress(base64.b85decode(text)))
    for key_step, id_step in zip(numbers, numbers, strict=True):
        key, record_id = key + key_step, record_id + id_step
        seen[record_id] = key
    return seen


def _number(value: int) -> bytes:
    """An integer of either sign, seven bits a byte, small ones in one byte."""
    rest, out = value * 2 if value >= 0 else -value * 2 - 1, bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _numbers(data: Iterable[int]) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value // 2 if value % 2 == 0 else -(value + 1) // 2
            value = shift = 0
