"""`freshsales init`: writes .dlt/config.toml and .dlt/secrets.toml, and asks for nothing it can find out.

Address and key come from the flag, the environment or the files themselves, and are asked for only on a terminal.
They are tried out before anything is written. Which views to read is asked only where those of the usual names are
missing. Nothing here prints, logs or repeats the key.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path
from typing import Protocol

from freshsales_source.api.client import build_client
from freshsales_source.cli.check import tell
from freshsales_source.cli.project import next_command, warn_of_other_hosts
from freshsales_source.cli.project_files import ignore_secrets, is_private, write_private, write_public
from freshsales_source.cli.settings_file import SettingsFile
from freshsales_source.cli.tables import output
from freshsales_source.cli.toml_text import Value
from freshsales_source.clock import SystemClock
from freshsales_source.discovery.check import Diagnosis, ObjectFinding, diagnose
from freshsales_source.discovery.exploration import object_facts
from freshsales_source.entities import ENTITIES
from freshsales_source.errors import ConfigurationError, SavedViewNotFound
from freshsales_source.exit_codes import ExitCode
from freshsales_source.pages.views import View, bin_setting, find
from freshsales_source.schema.entity_types import Views
from freshsales_source.settings.accounts import prefix_of
from freshsales_source.settings.config import LONG_FORM, Settings, read_settings
from freshsales_source.settings.setting_values import ViewChoice

SECTION = ("sources", "freshsales")
_NOT_FOUND = "saved_view_not_found"
_PLAN = '# plan = "growth"  # or free, pro, enterprise: it sets the call limits'
_ASK_DOMAIN = "Domain (as in https://DOMAIN.myfreshworks.com): "
_ASK_KEY = "API key (Profile settings, API settings; it is not shown): "


class Terminal(Protocol):
    """Whom to ask."""

    def ask(self, question: str) -> str:
        """The answer, without its line end."""
        ...

    def ask_secretly(self, question: str) -> str:
        """The answer, which nobody sees being typed."""
        ...


class Console:
    """The person at the terminal; questions go to stderr."""

    def ask(self, question: str) -> str:
        """The answer, without its line end."""
        print(question, end="", file=sys.stderr, flush=True)
        return _answered(sys.stdin.readline())

    def ask_secretly(self, question: str) -> str:
        """The answer, which nobody sees being typed."""
        try:
            return getpass(question, stream=sys.stderr)
        except EOFError:
            return _answered("")


def run_init(options: Namespace) -> int:
    """Write the files of the current project folder; 0 once they are there."""
    folder = Path(os.environ.get("DLT_PROJECT_DIR", "."))
    terminal = Console() if sys.stdin.isatty() else None
    return init(
        folder,
        domain=options.domain,
        is_forced=options.force,
        terminal=terminal,
        account=options.account,
    )


def init(
    folder: Path,
    *,
    domain: str | None,
    is_forced: bool,
    terminal: Terminal | None,
    account: str | None = None,
) -> int:
    """Find out, try out, write, and say what was written; what cannot be tried out is not written.

    `account` names one of several. Raises ConfigurationError for what is missing, contradicts the files, or cannot
    be written into them.
    """
    section = _section(account)
    config = SettingsFile.read(folder / ".dlt" / "config.toml")
    secrets = SettingsFile.read(folder / ".dlt" / "secrets.toml")
    settings = _settings(config, secrets, domain=domain, terminal=terminal, account=account)
    if secrets.entries(*section).get("domain") != settings.domain:
        config = config.with_entries(section, {"domain": settings.domain}, is_forced=is_forced)
    key = {"api_key": settings.api_key.reveal()}
    secrets = secrets.with_entries(section, key, is_forced=is_forced, hidden=True)
    warn_of_other_hosts(settings.account)
    found = _tried_out(settings)
    if not any(row.views_seen for row in found.objects) or _is_cut(found):
        tell(found.problems)
        print("Nothing was written.", file=sys.stderr)
        return found.exit_code
    views, left_open = _views(found, settings, terminal)
    names = {view.id: view.name for row in found.objects for view in row.views_seen}
    notes = {
        name: ", ".join(names[id] for id in ids if id in names)
        for name, ids in ((name, _ids(value)) for name, value in views.items())
    }
    config = config.with_entries((*section, "views"), views, is_forced=is_forced, notes=notes)
    _write(folder.absolute(), config, secrets, account)
    tell(one for one in found.problems if one.reason != _NOT_FOUND or one.object in left_open)
    return ExitCode.DONE


# What is known, and what must be asked


def _settings(
    config: SettingsFile,
    secrets: SettingsFile,
    *,
    domain: str | None,
    terminal: Terminal | None,
    account: str | None,
) -> Settings:
    """The settings as a sync would see them, with answers for what is missing."""
    flags: dict[str, object] = {"domain": domain}
    files = [file.entries(*_section(account)) for file in (secrets, config)]
    places: list[Mapping[str, object]] = [flags, _environment(account), *files]
    for name in ("domain", "api_key"):
        if any(place.get(name) for place in places):
            continue
        if terminal is None:
            raise _missing(name)
        flags[name] = terminal.ask(_ASK_DOMAIN) if name == "domain" else terminal.ask_secretly(_ASK_KEY)
    config_table, secrets_table = config.entries(*SECTION), secrets.entries(*SECTION)
    if account is not None:  # it may be a new one
        config_table = config_table | {"accounts": {account: {}} | config_table.get("accounts", {})}
    return read_settings(
        flags=flags, environment=os.environ, secrets=secrets_table, config=config_table, account=account
    )


def _environment(account: str | None) -> dict[str, str]:
    """Address and key from the environment; those of one of several accounts under their own names only."""
    prefixes = (LONG_FORM, "FRESHSALES_") if account is None else (prefix_of(account),)
    return {
        name: next(filter(None, (os.environ.get(prefix + name.upper()) for prefix in prefixes)), "")
        for name in ("domain", "api_key")
    }


def _section(account: str | None) -> tuple[str, ...]:
    """The table of the files that is written to."""
    return SECTION if account is None else (*SECTION, "accounts", account)


def _is_cut(found: Diagnosis) -> bool:
    """Whether something ended the look at the account that has nothing to do with a single object."""
    return any(problem.exit_code is not ExitCode.INCOMPLETE for problem in found.problems)


def _tried_out(settings: Settings) -> Diagnosis:
    clock = SystemClock()
    facts = [
        facts for facts in object_facts() if settings.objects is None or facts.object in settings.objects
    ]
    with build_client(settings, clock=clock) as client:
        return diagnose(client, facts, clock=clock, views=settings.views)


# Views


def _views(
    found: Diagnosis, settings: Settings, terminal: Terminal | None
) -> tuple[dict[str, Value], set[str]]:
    """The setting `views` with what a person chose where views are missing, and objects for which nothing was.

    Raises ConfigurationError where there is nobody to ask.
    """
    missing = _missing_views(found, settings)
    if missing and terminal is None:
        raise _unasked(found, missing)
    chosen = dict(settings.views)
    left_open = set()
    for name, seen in missing.items():
        choice = _ask_view(name, seen, terminal) if terminal is not None else ()
        if choice:
            chosen[name] = choice
        else:
            left_open.add(_object_of(name))
    return {name: _plain(choice) for name, choice in chosen.items()}, left_open


def _unasked(found: Diagnosis, missing: Mapping[str, object]) -> ConfigurationError:
    what = "; ".join(problem.what for problem in found.problems if problem.reason == _NOT_FOUND)
    example = "{" + ", ".join(f'"{name}": ID' for name in missing) + "}"
    return ConfigurationError(
        f"{what}. Nothing was written",
        remedy=f"Run it on a terminal, or set the environment variable SOURCES__FRESHSALES__VIEWS to '{example}'.",
    )


def _missing_views(found: Diagnosis, settings: Settings) -> dict[str, tuple[View, ...]]:
    """For each setting of `views` that must be made: the views there are."""
    reads = {entity.name: entity.read for entity in ENTITIES if isinstance(entity.read, Views)}
    missing = {}
    for row in found.objects:
        if not row.views_seen:
            continue
        read, key = reads[row.object], bin_setting(row.object)
        for name, wanted in ((row.object, read.live), (key, (read.bin,))):
            if not _are_there(row, settings.views.get(name, wanted)):
                missing[name] = row.views_seen
    return missing


def _are_there(row: ObjectFinding, wanted: ViewChoice) -> bool:
    try:
        return all(find(row.object, choice, row.views_seen) for choice in wanted)
    except SavedViewNotFound:
        return False


def _ask_view(name: str, seen: tuple[View, ...], terminal: Terminal) -> ViewChoice:
    """The views a person chose by their numbers; none where the answer is empty."""
    object = _object_of(name)
    what = "is the recycle bin" if name != object else "show them all, together"
    lines = [f"{number:>4}  {view.name}\n" for number, view in enumerate(seen, 1)]
    question = (
        f"{object}: the usual view is not there. Which of these {what}?\n{''.join(lines)}"
        "Number, or several with commas; nothing to leave it open: "
    )
    while True:
        numbers = terminal.ask(question).replace(",", " ").split()
        if all(
            number.isascii() and number.isdecimal() and 1 <= int(number) <= len(seen) for number in numbers
        ):
            return tuple(dict.fromkeys(seen[int(number) - 1].id for number in numbers))
        question = f"Numbers from 1 to {len(seen)}, please: "


# Files


def _write(folder: Path, config: SettingsFile, secrets: SettingsFile, account: str | None) -> None:
    """Write what changed, secrets last of all once git ignores them; say so, and what comes next."""
    said = []
    ignoring = ignore_secrets(folder)
    if ignoring is not None:
        said.append(f"{ignoring}: .dlt/secrets.toml added, which git must not see")
    if config.added:
        write_public(config.path, config.with_comment(_section(account), _PLAN, on="plan").text)
        said.append(f"{config.path.absolute()}: {', '.join(config.added)}")
    if secrets.added or not is_private(secrets.path):
        write_private(secrets.path, secrets.text)
        what = ", ".join(secrets.added) or "unchanged"
        said.append(f"{secrets.path.absolute()}: {what} (mode 0600: nobody else can read it)")
    config.check_written()
    secrets.check_written()
    with output() as out:
        out.print("\n".join(said) or "Everything was there already; nothing was written.")
        out.print(f"Address and key work. Next: {next_command('sync', account)}")


def _object_of(setting: str) -> str:
    return setting.removesuffix(bin_setting(""))


def _plain(choice: ViewChoice) -> Value:
    return choice[0] if len(choice) == 1 else choice


def _ids(value: Value) -> list[int]:
    return [item for item in ([value] if isinstance(value, str | int) else value) if isinstance(item, int)]


def _missing(name: str) -> ConfigurationError:
    how = (
        "--domain or FRESHSALES_DOMAIN" if name == "domain" else "the environment variable FRESHSALES_API_KEY"
    )
    return ConfigurationError(
        f"`{name}` is not known, and there is no terminal to ask on", remedy=f"Set it by {how}."
    )


def _answered(line: str) -> str:
    if not line:
        raise ConfigurationError("no answer", remedy="Run `freshsales init` again, on a terminal.")
    return line.rstrip("\r\n")
