"""Several accounts in one project: `accounts.<name>`, a table of settings for each, over those that all share.

What tells accounts apart is never shared: address, key and budget file come from an account's own table or its own
environment variables. So no key can reach the host of another account, and none spends another's calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.setting_values import refused

ACCOUNTS = "accounts"
OWN = ("api_key", "domain", "budget_store")
"""Settings that an account never takes from what all share."""

DATASET = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_LONGEST_NAME = 37  # so that `freshsales_<name>` is a dataset
_PREFIX = "SOURCES__FRESHSALES__ACCOUNTS__"


def shared(file: Mapping[str, object]) -> dict[str, object]:
    """The settings of a file that hold for all accounts, or for the only one."""
    return {name: value for name, value in file.items() if name != ACCOUNTS}


def without_own(values: Mapping[str, object]) -> dict[str, object]:
    """The shared values that an account takes over."""
    return {name: value for name, value in values.items() if name not in OWN}


def table_of(account: str, file: Mapping[str, object]) -> Mapping[str, object]:
    """The account's table in a file, its `dataset` left out; empty where it has none."""
    return {name: value for name, value in _tables(file).get(account, {}).items() if name != "dataset"}


def prefix_of(account: str) -> str:
    """What the environment variables of the account begin with."""
    return f"{_PREFIX}{account.upper()}__"


def dataset_of(
    account: str,
    *,
    environment: Mapping[str, str],
    secrets: Mapping[str, object],
    config: Mapping[str, object],
) -> str:
    """The schema that the account is loaded into: its own `dataset`, or `freshsales_<name>`."""
    check_account(account, environment=environment, files=(secrets, config))
    chosen: object = f"freshsales_{account}"
    for file in (config, secrets):
        chosen = _tables(file).get(account, {}).get("dataset", chosen)
    chosen = environment.get(f"{prefix_of(account)}DATASET") or chosen
    if not isinstance(chosen, str) or not DATASET.fullmatch(chosen):
        raise refused(
            f"accounts.{account}.dataset", "is no name of a schema", f"Write it as {DATASET.pattern}."
        )
    return chosen


def check_account(
    account: str, *, environment: Mapping[str, str], files: Iterable[Mapping[str, object]]
) -> None:
    """Raise ConfigurationError for a name that nothing is set for, naming those there are."""
    known = accounts_in(environment=environment, files=files)
    if account in known:
        return
    if known:
        raise ConfigurationError(
            f"there is no account {account!r}", remedy=f"Accounts that are set: {', '.join(known)}."
        )
    raise ConfigurationError(
        f"there is no account {account!r}",
        remedy="Write its domain under [sources.freshsales.accounts.NAME] in .dlt/config.toml.",
    )


def accounts_in(*, environment: Mapping[str, str], files: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """The names of all accounts that anything is set for, in alphabetical order."""
    found = {name for file in files for name in _tables(file)}
    for variable, value in environment.items():
        name, separator, setting = variable.removeprefix(_PREFIX).partition("__")
        if variable.startswith(_PREFIX) and separator and setting and value:
            found.add(name.lower())
    for name in found:
        _check_name(name)
    return tuple(sorted(found))


def _tables(file: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    tables = file.get(ACCOUNTS, {})
    if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
        raise refused(
            ACCOUNTS, "is not a table of accounts", "Write [sources.freshsales.accounts.NAME], one for each."
        )
    return tables


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise refused(
            f"{ACCOUNTS}.{name}",
            "has a name that cannot be used",
            f"Use small letters, digits and single _ between them, at most {_LONGEST_NAME}.",
        )
