"""Writing the files of a project folder: whole or not at all, and secrets for their owner's eyes only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from freshsales_source.errors import ConfigurationError

PRIVATE = 0o600
_IGNORING = {
    f"{start}{name}"
    for start in ("", "/")
    for name in (".dlt/secrets.toml", ".dlt", ".dlt/", ".dlt/*", ".dlt/**", ".dlt/*.toml")
} | {"secrets.toml", "**/secrets.toml", "**/.dlt/secrets.toml", "*.toml", "*secrets.toml"}
"""Lines of a .gitignore that keep .dlt/secrets.toml out, as people and tools write them."""


def read_text(path: Path) -> str:
    """The file's text; empty where there is no file. Raises ConfigurationError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__})", remedy="Mend or remove it."
        ) from None


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, from its first moment on; replaces one that others could read."""
    _replace(path, text, PRIVATE)


def write_public(path: Path, text: str) -> None:
    """Write a file with the mode it had, or as others are made here."""
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    _replace(path, text, mode)


def is_private(path: Path) -> bool:
    """Whether nobody but the owner has a right to the file."""
    return not path.stat().st_mode & 0o077


def ignore_secrets(folder: Path) -> Path | None:
    """Make git ignore the folder's .dlt/secrets.toml; returns the file that was changed, if one had to be."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    path = folder / ".gitignore"
    text = read_text(path)
    if any(line.strip() in _IGNORING for line in text.splitlines()):
        return None
    end = "" if not text or text.endswith("\n") else "\n"
    write_public(path, f"{text}{end}.dlt/secrets.toml\n")
    return path


def _replace(path: Path, text: str, mode: int) -> None:
    path = Path(os.path.realpath(path))  # a link stays a link
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made with mode 0600; with a leading dot and no .toml at its end, so that nobody takes it for settings.
        number, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be written ({error.strerror})", remedy="Check the folder's rights and the room on it."
    )


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
