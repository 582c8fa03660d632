"""Reads switch positions from text, for command lines and settings."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from freshsales_source.emulator.switches import Switches

_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")


def with_texts(switches: Switches, texts: Mapping[str, str]) -> Switches:
    """Return the switches with the positions given as text ("reshuffled", "60", "on", "none", "a,b").

    Raises ValueError that names the switch and what it may be.
    """
    hints = get_type_hints(Switches)
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in hints:
            raise ValueError(f"there is no switch {name}; there are: {', '.join(hints)}")
        values[name] = _read(name, hints[name], text)
    return replace(switches, **values)


def _read(name: str, hint: Any, text: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        if text.lower() in ("none", ""):
            return None
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            raise ValueError(f"{name} must be one of {', '.join(get_args(hint))}; got {text}")
        return text
    if get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if hint is bool:
        if text.lower() not in _TRUE + _FALSE:
            raise ValueError(f"{name} must be on or off; got {text}")
        return text.lower() in _TRUE
    try:
        return hint(text)
    except ValueError:
        raise ValueError(f"{name} must be a number; got {text}") from None
