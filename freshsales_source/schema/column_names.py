"""Column names that survive the destination's naming unchanged and never meet.

dlt turns every name into snake_case on its way to the warehouse, silently: `cf_Foo`, `cf_foo` and `cf foo`
become one column where the last value wins, and names in other scripts all become `x` (tried). So the
connector gives each column its final name before dlt sees it. The names made here are lower-case ASCII words
joined by single underscores, which dlt's naming leaves as they are (kept true by a test against dlt itself),
and two keys never get the same one.

A name once given is never changed, so a renamed label or a later field cannot move a column: callers keep the
mapping and pass it in again as `known`.

Names are short enough for every destination, `__raw` included: Postgres allows 63 bytes, and dlt would cut a longer
one its own way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256

LONGEST_NAME = 58
"""Characters of a column's name: the 63 of Postgres less those of `__raw`."""

_LONGEST_TABLE = 63
"""Characters of a table's name: the 63 of Postgres."""

LONGEST_OBJECT = 48
"""Characters of the name of a module's table: the names of its lists' tables begin with it, however they are cut."""

_OF_DLT = "_dlt"
"""How dlt's own columns begin; no key gets such a name, for everybody leaves these out."""

_HASH_DIGITS = 8
_LETTER_LIKE = str.maketrans("+-*@|", "x_xal")
_NOT_A_WORD = re.compile(r"[^a-zA-Z0-9_]+")
_WORD_START = re.compile(r"([^_])([A-Z][a-z]+)")
_CAPITAL = re.compile(r"([a-z0-9])([A-Z])")
_UNDERSCORES = re.compile(r"__+")


def plain_name(key: str) -> str:
    """The key in snake_case, as dlt 1.31 would write an ASCII name; other letters and signs become
    underscores.

    `cf_no-go_types` becomes `cf_no_go_types`, `cf__x` becomes `cf_x`, `cfDealSize` becomes `cf_deal_size`.
    Different keys may get the same plain name.
    """
    word = _NOT_A_WORD.sub("_", key.strip().translate(_LETTER_LIKE))
    word = _CAPITAL.sub(r"\1_\2", _WORD_START.sub(r"\1_\2", word)).lower()
    if word[:1].isdigit():
        word = "_" + word
    stem = word.rstrip("_")
    return _UNDERSCORES.sub("_", stem + "x" * (len(word) - len(stem))) or "x"


def assign_names(
    keys: Iterable[str], *, known: Mapping[str, str], reserved: Collection[str], longest: int = LONGEST_NAME
) -> dict[str, str]:
    """The column name of each key: those in `known` unchanged, new ones added; never one of `reserved`.

    Of several keys with the same plain name the first in order gets it; the others get `_` and eight hex
    digits of the SHA-256 of the key, as does one whose plain name is longer than a destination takes. So the
    order of `keys` matters for keys seen for the first time: lowest field id first.
    """
    names = dict(known)
    taken = {*reserved, *known.values()}
    for key in keys:
        if key not in names:
            plain = plain_name(key)
            is_free = _is_free(plain, taken) and len(plain) <= longest
            names[key] = plain if is_free else _hashed_name(key, taken, longest)
            taken.add(names[key])
    return names


def list_table_name(object: str, list_name: str) -> str:
    """The name of the table that holds a list of an object's records; one too long is cut and marked by a hash."""
    name = f"{object}__{list_name}"
    if len(name) <= _LONGEST_TABLE:
        return name
    mark = sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{name[: _LONGEST_TABLE - 1 - _HASH_DIGITS].rstrip('_')}_{mark}"


def name_without_field_id(key: str, taken: Collection[str]) -> str:
    """The column name of a key met in a record, about which no field settings are known.

    Only a key that is its own plain name keeps it. Which of several lookalikes is met first is chance, and
    must not decide their names; all others get the hash.
    """
    return key if plain_name(key) == key and _is_free(key, taken) else _hashed_name(key, taken)


def _is_free(name: str, taken: Collection[str]) -> bool:
    return name not in taken and not name.startswith(_OF_DLT) and len(name) <= LONGEST_NAME


def _hashed_name(key: str, taken: Collection[str], longest: int = LONGEST_NAME) -> str:
    digest = sha256(key.encode("utf-8", errors="surrogatepass")).hexdigest()
    for digits in range(_HASH_DIGITS, LONGEST_NAME // 2):
        plain = plain_name(key).lstrip("_") if plain_name(key).startswith(_OF_DLT) else plain_name(key)
        stem = plain[: longest - 1 - digits].rstrip("_")
        name = f"{stem}_{digest[:digits]}"
        if name not in taken:
            return name
    raise ValueError(f"no free column name for a field whose plain name is {plain_name(key)[:LONGEST_NAME]}")
