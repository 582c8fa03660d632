r"""Texts that every warehouse can hold, and dlt's own state: without NUL and without lone surrogates.

JSON may carry both (`\u0000`, `\ud800`). DuckDB stores a NUL, Postgres refuses it; neither stores half a surrogate
pair, and dlt cannot save a state that holds one. So they are replaced before anything else sees them, and counted.
"""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> tuple[str, int]:
    """The text with U+FFFD for each character that cannot be stored, and how many there were."""
    if text.isascii() and "\x00" not in text:
        return text, 0
    return _UNSTORABLE.subn(REPLACEMENT, text)


def storable_key(key: str) -> str:
    r"""The key with such characters spelled out (`\ud800`), so that two keys that differ stay two."""
    return _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", key)


def storable_json(value: object) -> object:
    """A parsed JSON value whose texts and keys can be stored."""
    if isinstance(value, str):
        return storable(value)[0]
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable_key(key): storable_json(item) for key, item in value.items()}
    return value
