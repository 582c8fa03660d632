"""Values nested so deep that no parser should have to follow them, folded into texts.

Python's own parser gives up at some thousand levels, earlier when it is called from deep inside; Arrow's kills the
process. A record with such a value must be loaded all the same, and alike whoever reads it.
"""

from __future__ import annotations

import json
import re

MOST_LEVELS = 250
"""Levels of an answer that are parsed; what lies deeper becomes one text. Far below where parsers give up."""

SHALLOW_LEVELS = 215
"""An answer for which `is_shallow` holds has no more levels than this."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_PAIRED_LEVELS = 16
_STRAY_BRACKETS = 2 * (SHALLOW_LEVELS - _PAIRED_LEVELS)
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def is_shallow(body: bytes) -> bool:
    """Whether the body, as far as its brackets tell, is nested less than some hundred levels deep.

    pyarrow 26 kills the process (stack overflow) when it infers the type of a value nested 10,000 deep.
    Closed pairs are taken out level by level; a bracket inside a text may be left over, so a few are allowed.
    """
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(_PAIRED_LEVELS):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(brackets) < _STRAY_BRACKETS:
            return True
    return False


def folded(text: str) -> tuple[str, int]:
    """JSON with everything deeper than `MOST_LEVELS` as texts that hold its JSON, and how many such texts."""
    pieces: list[str] = []
    level = copied = begun = 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in ("{", "["):
            level += 1
            if level == MOST_LEVELS + 1:
                begun = token.start()
        elif sign in ("}", "]"):
            level -= 1
            if level == MOST_LEVELS:
                pieces += text[copied:begun], json.dumps(text[begun : token.end()], ensure_ascii=False)
                copied = token.end()
    return "".join([*pieces, text[copied:]]), len(pieces) // 2
