"""The settings of a run: read from mappings and the environment, checked once, then frozen.

Nothing here touches a file or the network, and nothing knows dlt: whoever has values (flags, `os.environ`,
tables of `secrets.toml` and `config.toml`) passes them in. Every bad value is one ConfigurationError that
names the setting. Bounds are ours unless a source is given.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from freshsales_source.entities import ENTITIES
from freshsales_source.errors import ConfigurationError
from freshsales_source.redact import Secret, installed_redactor
from freshsales_source.settings import accounts
from freshsales_source.settings import setting_values as values
from freshsales_source.settings.account import Account, parse_domain
from freshsales_source.settings.known_names import check_objects, check_views
from freshsales_source.settings.protection import protections
from freshsales_source.settings.setting_values import RateLimit, ViewChoice

__all__ = [
    "PLANS",
    "Account",
    "OnErase",
    "OnQuota",
    "RateLimit",
    "Secret",
    "Settings",
    "parse_domain",
    "read_settings",
]

LONG_FORM = "SOURCES__FRESHSALES__"
SHORT_FORMS = {"FRESHSALES_API_KEY": "api_key", "FRESHSALES_DOMAIN": "domain"}

NO_KEY = "no-key-is-needed"
"""Stands for a key where none is needed."""

_OF_DLT = ("max_table_nesting", "schema_contract")
"""What dlt itself reads of a source in the environment."""

OnQuota = Literal["wait", "stop"]
OnErase = Literal["keep", "blank", "delete"]

# 400 calls a minute on every plan; per hour Free and Growth 1000, Pro 2000, Enterprise 5000. Documented
# (support).
PLANS: Mapping[str, tuple[RateLimit, ...]] = {
    plan: (RateLimit(requests=400, seconds=60), RateLimit(requests=per_hour, seconds=3600))
    for plan, per_hour in {"free": 1000, "growth": 1000, "pro": 2000, "enterprise": 5000}.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run can be told; made by `read_settings`, or directly with values of these very types."""

    api_key: Secret
    domain: str
    plan: str = "growth"
    rate_limits: tuple[RateLimit, ...] = ()  # empty: those of the plan
    reserve: float = 0.1
    on_quota: OnQuota = "wait"
    max_calls: int | None = None
    budget_store: Path | None = None  # None: one file per account in the user's state folder
    concurrency: int = 4
    page_size: int = 100
    timeout_s: float = 60.0
    retries: int = 5  # tries per call, the first one included
    start_date: datetime | None = None  # aware
    lookback_s: int = 300
    lookups_every_s: int = 3600
    objects: tuple[str, ...] | None = None  # None: all the account has
    views: Mapping[str, ViewChoice] = field(default_factory=dict)
    refresh_pages: int = 10
    max_vanished_share: float = 0.02
    on_erase: OnErase = "keep"
    time_zone: str = "UTC"
    timelines: bool = False
    history: bool = True
    drop_columns: tuple[str, ...] = ()
    hash_columns: tuple[str, ...] = ()
    hash_key: Secret | None = None

    def __post_init__(self) -> None:
        """Check every value, however the settings came about, and make the key known to the redactor."""
        values.parse_key("api_key", self.api_key.reveal())
        installed_redactor().register(self.api_key)
        if self.hash_key is not None:
            installed_redactor().register(self.hash_key)
        parse_domain(self.domain)
        values.check_choice("plan", self.plan, tuple(PLANS))
        values.check_choice("on_quota", self.on_quota, get_args(OnQuota))
        values.check_choice("on_erase", self.on_erase, get_args(OnErase))
        values.check_limits("rate_limits", self.rate_limits)
        values.zone("time_zone", self.time_zone)
        values.check_range("reserve", self.reserve, 0, 0.9)
        values.check_range("concurrency", self.concurrency, 1, 32)
        values.check_range("page_size", self.page_size, 1, 100)  # 100: the most that is honoured (documented)
        values.check_range("timeout_s", self.timeout_s, 1, 600)
        values.check_range("retries", self.retries, 1, 20)
        values.check_range("lookback_s", self.lookback_s, 0, 30 * 86400)
        values.check_range("lookups_every_s", self.lookups_every_s, 0, 365 * 86400)
        values.check_range("refresh_pages", self.refresh_pages, 0, 10**6)
        values.check_range("max_vanished_share", self.max_vanished_share, 0, 1)
        if self.max_calls is not None:
            values.check_range("max_calls", self.max_calls, 1, 10**9)
        if self.start_date is not None and self.start_date.tzinfo is None:
            raise values.refused(
                "start_date", "has no time zone", "Give it one, for example `2024-01-31T00:00:00Z`."
            )
        if self.objects == ():
            raise values.refused(
                "objects", "is an empty list", "Leave it out to sync all objects, or name some."
            )
        check_objects(self.objects or ())
        check_views(self.views)
        protections(ENTITIES, dropped=self.drop_columns, hashed=self.hash_columns, hash_key=self.hash_key)

    @property
    def account(self) -> Account:
        """The account that `domain` names."""
        return parse_domain(self.domain)

    @property
    def limits(self) -> tuple[RateLimit, ...]:
        """The account's rate limits: `rate_limits`, or what the plan allows."""
        return self.rate_limits or PLANS[self.plan]


def read_settings(
    *,
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, object] | None = None,
    config: Mapping[str, object] | None = None,
    account: str | None = None,
    needs_key: bool = True,
) -> Settings:
    """Return the settings from up to four places, the earlier argument winning; None counts as not given.

    `environment` is the whole environment: `SOURCES__FRESHSALES__<NAME>` (lists and tables as JSON), which
    wins over the short forms FRESHSALES_API_KEY and FRESHSALES_DOMAIN. Names in it without that
    prefix are none of our business; any other name that is no setting is an error. With `account`, what is set for
    that account alone, in any place but the flags, wins over what all accounts share. Who makes no call `needs_key`
    not: one that is missing is then replaced by one that no server knows.
    """
    flags, environment, files = flags or {}, environment or {}, [config or {}, secrets or {}]
    named = [flags, *map(accounts.shared, files)]
    layers = [*named[1:], _from_short_forms(environment), _from_environment(environment, LONG_FORM)]
    known = accounts.accounts_in(environment=environment, files=files)
    _check_variables(environment, LONG_FORM, *_OF_DLT)
    if account is not None:
        accounts.check_account(account, environment=environment, files=files)
        _check_variables(environment, accounts.prefix_of(account), "dataset")
        named += [accounts.table_of(account, file) for file in files]
        own = _from_environment(environment, accounts.prefix_of(account))
        layers = [*map(accounts.without_own, layers), *named[-2:], own]
    for mapping in named:
        _check_names(mapping)
    found: dict[str, object] = {}
    for mapping in (*layers, flags):
        found.update({name: value for name, value in mapping.items() if value is not None})
    if not needs_key:
        found = {"api_key": NO_KEY, "hash_key": NO_KEY, **found}
    for name in ("api_key", "domain"):
        if name not in found:
            raise _missing(name, account, known)
    return _settings(found)


def _settings(found: Mapping[str, object]) -> Settings:
    # The key first: the redactor must know it before any other value can end up in a message.
    api_key = values.parse_key("api_key", found["api_key"])
    installed_redactor().register(api_key)
    zone = values.zone("time_zone", found.get("time_zone", "UTC"))
    parsed: dict[str, Any] = {
        name: parse(name, found[name]) for name, parse in _PARSERS.items() if name in found
    }
    if "start_date" in found:
        parsed["start_date"] = values.moment("start_date", found["start_date"], zone)
    return Settings(api_key=api_key, time_zone=zone.key, **parsed)


_PARSERS = {
    "domain": values.text,
    "plan": values.text,
    "rate_limits": values.rate_limits,
    "reserve": values.number,
    "on_quota": values.text,
    "on_erase": values.text,
    "max_calls": values.whole_number,
    "budget_store": values.path,
    "concurrency": values.whole_number,
    "page_size": values.whole_number,
    "timeout_s": values.number,
    "retries": values.whole_number,
    "lookback_s": values.whole_number,
    "lookups_every_s": values.whole_number,
    "objects": values.names,
    "views": values.views,
    "history": values.yes_no,
    "drop_columns": values.names,
    "hash_columns": values.names,
    "hash_key": values.hash_key,
    "refresh_pages": values.whole_number,
    "max_vanished_share": values.number,
    "timelines": values.yes_no,
}


def _check_names(mapping: Mapping[str, object]) -> None:
    known = [setting.name for setting in fields(Settings)]
    for name in mapping:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean `{near[0]}`?" if near else f"Settings are: {', '.join(known)}."
            raise values.refused(name, "is no setting", remedy)


def _check_variables(environment: Mapping[str, str], prefix: str, *others: str) -> None:
    """Refuse a variable with this prefix that names no setting, and none of the `others`."""
    known = [setting.name for setting in fields(Settings)]
    for variable, value in environment.items():
        name, is_nested, _ = variable.removeprefix(prefix).lower().partition("__")
        if (
            not (value and variable.startswith(prefix))
            or (name in known) != bool(is_nested)
            or name in others
        ):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        if is_nested:
            remedy = f"Write all of it as JSON into {prefix}{name.upper()}."
        elif near:
            remedy = f"Did you mean {prefix}{near[0].upper()}?"
        else:
            remedy = f"Settings are: {', '.join(prefix + each.upper() for each in known)}."
        raise ConfigurationError(f"{variable} is no setting", remedy=remedy)


def _from_environment(environment: Mapping[str, str], prefix: str) -> dict[str, object]:
    """The values of variables with this prefix; an empty one counts as not set, as in a shell."""
    names = [setting.name for setting in fields(Settings)]
    given = {name: environment.get(prefix + name.upper()) for name in names}
    return {name: value for name, value in given.items() if value}


def _from_short_forms(environment: Mapping[str, str]) -> dict[str, object]:
    return {
        name: environment[variable] for variable, name in SHORT_FORMS.items() if environment.get(variable)
    }


def _missing(name: str, account: str | None, known: Sequence[str]) -> ConfigurationError:
    file = "secrets.toml" if name == "api_key" else "config.toml"
    if account is not None:
        variable = f"{accounts.prefix_of(account)}{name.upper()}"
        table = f"sources.freshsales.accounts.{account}"
        return values.refused(
            f"accounts.{account}.{name}",
            "is not set",
            f"Set the environment variable {variable}, or `{name}` under [{table}] in .dlt/{file}.",
        )
    if known:
        remedy = f"Say which account is meant: --account {' or '.join(known)}."
        return values.refused(name, "is not set outside of the accounts", remedy)
    variable = next(variable for variable, setting in SHORT_FORMS.items() if setting == name)
    return values.refused(
        name,
        "is not set",
        f"Set the environment variable {variable}, or `{name}` under [sources.freshsales] in .dlt/{file}.",
    )
