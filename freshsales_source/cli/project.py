"""The project folder: `.dlt/config.toml` and `.dlt/secrets.toml`, read the way dlt finds them."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.account import Account
from freshsales_source.settings.config import Settings, read_settings


def settings_of_project(flags: Mapping[str, object]) -> Settings:
    """The settings: flags over environment over secrets.toml over config.toml. Raises ConfigurationError.

    A host that is not the vendor's is named on stderr, for the key goes there.
    """
    folder = Path(os.environ.get("DLT_PROJECT_DIR", ".")) / ".dlt"
    settings = read_settings(
        flags=flags,
        environment=os.environ,
        secrets=_section(folder / "secrets.toml"),
        config=_section(folder / "config.toml"),
    )
    warn_of_other_hosts(settings.account)
    return settings


def warn_of_other_hosts(account: Account) -> None:
    """Name on stderr a host that is not the vendor's, for the key goes there."""
    if not account.is_vendor_host and not account.is_loopback:
        print(f"The API key goes to {account.host}, which is not a host of Freshworks.", file=sys.stderr)


def _section(path: Path) -> Mapping[str, object]:
    """The table `[sources.freshsales]` of a file; empty where there is none."""
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not valid TOML ({error})", remedy="Mend the line it names; text needs quotes."
        ) from None
    section = document.get("sources", {}).get("freshsales", {})
    if not isinstance(section, dict):
        raise ConfigurationError(
            f"sources.freshsales in {path} is no table", remedy="Write [sources.freshsales]."
        )
    return section
