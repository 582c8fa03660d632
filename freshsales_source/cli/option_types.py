"""What the values of options must look like; each function reads one, or says what is wrong with it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from freshsales_source.entities import CUSTOM_MODULES, ENTITIES
from freshsales_source.entities.custom_modules import is_module
from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.accounts import DATASET
from freshsales_source.settings.known_names import OBJECTS, did_you_mean

if TYPE_CHECKING:
    from freshsales_source.sync.notification import Recipient

FORGETTABLE = tuple(entity.name for entity in ENTITIES if entity is not CUSTOM_MODULES)


def positive(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def object_name(text: str) -> str:
    """The name of an object, or of a custom module."""
    if text not in OBJECTS and not is_module(text):
        near = did_you_mean(text, OBJECTS)
        raise argparse.ArgumentTypeError(f"{text!r} is no object. {near}Objects are: {', '.join(OBJECTS)}")
    return text


def forgettable_object(text: str) -> str:
    """An object whose records can be forgotten."""
    if text not in FORGETTABLE and not is_module(text):
        near, known = did_you_mean(text, FORGETTABLE), ", ".join(FORGETTABLE)
        raise argparse.ArgumentTypeError(
            f"{text!r} has no records to forget. {near}Objects are: {known}, or a custom module"
        )
    return text


def record_id(text: str) -> int:
    """The number of a record."""
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a record")
    return int(text)


def file_path(text: str) -> Path:
    """A file in a folder that exists; it need not exist itself."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a file in a folder that exists")
    return path


def port(text: str) -> int:
    """A port; 0 for any."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def amount(text: str) -> float:
    """A number from 0 up."""
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return float(text)


def dataset(text: str) -> str:
    """The name of a schema."""
    if not DATASET.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form [a-z_][a-z0-9_]{{0,47}}")
    return text


def limit(text: str) -> tuple[int, float]:
    """So many calls in so many seconds."""
    match = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)", text)
    if match is None or not int(match[1]) or not float(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 400/60")
    return int(match[1]), float(match[2])


def switch(text: str) -> tuple[str, str]:
    """A switch of the emulator, and its position."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


def recipient(text: str) -> Recipient:
    """Who is told that a run has ended."""
    from freshsales_source.sync.notification import recipient_of

    try:
        return recipient_of(text)
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
