"""The project folder: `.dlt/config.toml` and `.dlt/secrets.toml`, read the way dlt finds them."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from freshsales_source.cli.stderr_lines import say
from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.account import Account
from freshsales_source.settings.accounts import dataset_of
from freshsales_source.settings.config import NO_KEY, Settings, read_settings

DATASET = "freshsales"
_NO_DOMAIN = "no-domain-is-set"
_SOURCE = "freshsales"


def settings_of_project(flags: Mapping[str, object], account: str | None = None) -> Settings:
    """The settings: flags over environment over secrets.toml over config.toml. Raises ConfigurationError.

    `account` is the name of one of several. A host that is not the vendor's is named on stderr, for the key goes there.
    """
    secrets, config = _files()
    settings = read_settings(
        flags=flags, environment=os.environ, secrets=secrets, config=config, account=account
    )
    warn_of_other_hosts(settings.account)
    return settings


def settings_without_key(account: str | None = None) -> Settings:
    """The settings of a command that makes no call, so that neither key need be set. Raises ConfigurationError."""
    secrets, config = _files()
    return read_settings(
        environment=os.environ, secrets=secrets, config=config, account=account, needs_key=False
    )


def settings_for_reading(account: str | None = None) -> tuple[Settings, str | None]:
    """The settings of a command that makes no call and so needs no key, and the account's host where it is known."""
    secrets, config = _files()
    settings = read_settings(
        flags={"api_key": NO_KEY},
        environment=os.environ,
        secrets=secrets,
        config={"domain": _NO_DOMAIN, **config},
        account=account,
        needs_key=False,
    )
    return settings, None if settings.domain == _NO_DOMAIN else settings.account.host


def dataset_of_project(account: str | None) -> str:
    """The schema to load into where no option says another. Raises ConfigurationError for an unknown account."""
    if account is None:
        return DATASET
    secrets, config = _files()
    return dataset_of(account, environment=os.environ, secrets=secrets, config=config)


def next_command(name: str, account: str | None) -> str:
    """What to type next, for the same account."""
    return f"freshsales {name} --account {account}" if account else f"freshsales {name}"


def warn_of_other_hosts(account: Account) -> None:
    """Name on stderr a host that is not the vendor's, for the key goes there."""
    if not account.is_vendor_host and not account.is_loopback:
        text = f"The API key goes to {account.host}, which is not a host of Freshworks."
        say(text, event="another_host", host=account.host)


def _files() -> tuple[Mapping[str, object], Mapping[str, object]]:
    folder = Path(os.environ.get("DLT_PROJECT_DIR", ".")) / ".dlt"
    return _section(folder / "secrets.toml"), _section(folder / "config.toml")


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
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror})", remedy="Let this user read it, or remove it."
        ) from None
    sources = document.get("sources", {})
    section = sources.get(_SOURCE, {}) if isinstance(sources, dict) else sources
    if not isinstance(section, dict):
        raise ConfigurationError(
            f"sources.freshsales in {path} is no table", remedy="Write [sources.freshsales]."
        )
    if not section and isinstance(sources, dict):
        _refuse_misspelt(sources, path)
    return section


def _refuse_misspelt(sources: Mapping[str, object], path: Path) -> None:
    """Settings under a name that is nearly ours would have no effect, and nobody would see it."""
    for near in difflib.get_close_matches(
        _SOURCE, [name for name in sources if name != _SOURCE], n=1, cutoff=0.85
    ):
        raise ConfigurationError(
            f"[sources.{near}] in {path} is no section that anybody reads",
            remedy=f"Write [sources.{_SOURCE}].",
        )
