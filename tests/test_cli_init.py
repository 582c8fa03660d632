"""`freshsales init`: two files that the next sync can read, a key that nobody else can, and few questions."""

from __future__ import annotations

import os
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshsales_source.cli.init import init
from freshsales_source.cli.toml_text import Value, with_values
from freshsales_source.emulator import Emulator, Fault, Switches
from freshsales_source.errors import ConfigurationError
from tests.command import ALL_PIPELINES, KEY, Command

LOCALISED = replace(ALL_PIPELINES, view_names="localised")
CONTACTS, CONTACTS_BIN = 402000591801, 402000591804


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


@dataclass(kw_only=True)
class Person:
    """Answers questions in turn, and remembers them."""

    answers: list[str]
    questions: list[str] = field(default_factory=list)
    secret_questions: list[str] = field(default_factory=list)

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self.answers.pop(0)

    def ask_secretly(self, question: str) -> str:
        self.secret_questions.append(question)
        return self.answers.pop(0)


@contextmanager
def account(freshsales: Command, switches: Switches = ALL_PIPELINES) -> Iterator[tuple[Emulator, str]]:
    """An account on a socket, and its address; the environment knows nothing of it."""
    with freshsales.account(switches=switches) as emulator:
        url = freshsales.environment("FRESHSALES_DOMAIN")
        freshsales.set(FRESHSALES_DOMAIN="", FRESHSALES_API_KEY="")
        yield emulator, url


def section(freshsales: Command, name: str) -> dict[str, Any]:
    text = (freshsales.folder / ".dlt" / name).read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["sources"]["freshsales"]
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_with_an_environment_nothing_is_asked_and_the_files_are_enough_for_the_next_command(
    freshsales: Command,
) -> None:
    with freshsales.account() as emulator:
        url = freshsales.environment("FRESHSALES_DOMAIN")
        ran = freshsales("init")
        assert (ran.code, ran.err) == (0, "")
        assert len(emulator.log) <= 16
        freshsales.set(FRESHSALES_DOMAIN="", FRESHSALES_API_KEY="")
        assert freshsales("check").code == 0
    assert section(freshsales, "config.toml") == {"domain": url}
    assert section(freshsales, "secrets.toml") == {"api_key": KEY}
    folder = freshsales.folder / ".dlt"
    assert ran.out.splitlines() == [
        f"{folder}/config.toml: sources.freshsales.domain",
        f"{folder}/secrets.toml: sources.freshsales.api_key (mode 0600: nobody else can read it)",
        "Address and key work. Next: freshsales sync",
    ]
    assert '# plan = "growth"' in (folder / "config.toml").read_text(encoding="utf-8")


def test_the_key_is_asked_for_unseen_and_repeated_nowhere(
    freshsales: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    person = Person(answers=[KEY])
    with account(freshsales) as (_, url):
        assert init(freshsales.folder, domain=url, is_forced=False, terminal=person) == 0
    assert (len(person.secret_questions), person.questions) == (1, [])
    out, err = capsys.readouterr()
    assert KEY not in out + err
    assert section(freshsales, "secrets.toml") == {"api_key": KEY}


def test_address_and_key_are_asked_for_where_nothing_tells_them(freshsales: Command) -> None:
    with account(freshsales) as (_, url):
        person = Person(answers=[url, KEY])
        assert init(freshsales.folder, domain=None, is_forced=False, terminal=person) == 0
    assert (len(person.questions), len(person.secret_questions)) == (1, 1)


@pytest.mark.parametrize(
    ("environment", "missing", "how"),
    [
        ({}, "domain", "--domain or FRESHSALES_DOMAIN"),
        ({"FRESHSALES_DOMAIN": "acme"}, "api_key", "the environment variable FRESHSALES_API_KEY"),
    ],
)
def test_without_a_terminal_what_is_missing_is_named(
    freshsales: Command, environment: dict[str, str], missing: str, how: str
) -> None:
    freshsales.set(**environment)
    ran = freshsales("init")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        f"configuration_error: `{missing}` is not known, and there is no terminal to ask on. Set it by {how}.\n"
    )
    assert not (freshsales.folder / ".dlt").exists()


def test_the_key_is_no_option_of_the_command_line(freshsales: Command) -> None:
    assert freshsales("init", "--domain", "acme", "--api-key", "abc").code == 2


def test_a_wrong_key_costs_one_call_and_is_not_written(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        freshsales.set(FRESHSALES_API_KEY="another-key")
        ran = freshsales("init")
        assert len(emulator.log) == 1
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("wrong_key: ")
    assert ran.err.endswith("Nothing was written.\n")
    assert "another-key" not in ran.err
    assert not (freshsales.folder / ".dlt").exists()


def test_an_object_that_the_key_may_not_see_is_told_and_does_not_stop_it(freshsales: Command) -> None:
    with freshsales.account(switches=replace(ALL_PIPELINES, forbidden=("deals",))):
        ran = freshsales("init")
    assert ran.code == 0
    assert ran.err.startswith("forbidden: ")
    assert section(freshsales, "secrets.toml") == {"api_key": KEY}


def test_the_secrets_are_never_readable_by_others_not_even_under_an_open_umask(freshsales: Command) -> None:
    before = os.umask(0)
    try:
        with freshsales.account():
            assert freshsales("init").code == 0
    finally:
        os.umask(before)
    folder = freshsales.folder / ".dlt"
    assert (mode(folder / "secrets.toml"), mode(folder / "config.toml")) == (0o600, 0o666)
    assert sorted(path.name for path in folder.iterdir()) == ["config.toml", "secrets.toml"]


def test_secrets_that_others_can_read_are_closed_though_nothing_in_them_changes(freshsales: Command) -> None:
    freshsales.write(".dlt/secrets.toml", f'[sources.freshsales]\napi_key = "{KEY}"\n')
    path = freshsales.folder / ".dlt" / "secrets.toml"
    path.chmod(0o644)
    with account(freshsales) as (_, url):
        ran = freshsales("init", "--domain", url)
    assert (ran.code, mode(path)) == (0, 0o600)
    assert "secrets.toml: unchanged (mode 0600" in ran.out


def test_a_second_run_changes_nothing_and_says_so(freshsales: Command) -> None:
    with freshsales.account():
        assert freshsales("init").code == 0
        files = [freshsales.folder / ".dlt" / name for name in ("config.toml", "secrets.toml")]
        before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
        ran = freshsales("init")
        assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before
    assert ran.out.startswith("Everything was there already; nothing was written.\n")


OLD = """\
# mine
[runtime]
dlthub_telemetry = false  # no

[sources.freshsales]  # the CRM
# the old one
domain = "old.myfreshworks.com"
page_size = 50

[sources.other]
domain = "keep"
"""


def test_another_value_in_a_file_stops_it_before_the_key_goes_anywhere(freshsales: Command) -> None:
    freshsales.write(".dlt/config.toml", OLD)
    with freshsales.account() as emulator:
        ran = freshsales("init")
        assert emulator.log == []
    assert ran.code == 3
    assert (
        ".dlt/config.toml already holds another domain. Change it there, or replace it with --force."
        in ran.err
    )
    assert (freshsales.folder / ".dlt" / "config.toml").read_text(encoding="utf-8") == OLD


def test_force_replaces_that_value_and_keeps_the_rest_of_the_file_letter_by_letter(
    freshsales: Command,
) -> None:
    freshsales.write(".dlt/config.toml", OLD)
    with freshsales.account():
        url = freshsales.environment("FRESHSALES_DOMAIN")
        assert freshsales("init", "--force").code == 0
    text = (freshsales.folder / ".dlt" / "config.toml").read_text(encoding="utf-8")
    assert text.replace('# plan = "growth"  # or free, pro, enterprise: it sets the call limits\n', "") == (
        OLD.replace("old.myfreshworks.com", url)
    )


def test_another_key_in_the_file_is_not_shown_by_the_refusal(freshsales: Command) -> None:
    freshsales.write(".dlt/secrets.toml", '[sources.freshsales]\napi_key = "the-key-of-before"\n')
    with freshsales.account():
        ran = freshsales("init")
    assert ran.code == 3
    assert "already holds another api_key" in ran.err
    assert "the-key-of-before" not in ran.err
    assert KEY not in ran.err


def test_a_placeholder_counts_as_missing(freshsales: Command) -> None:
    freshsales.write(".dlt/secrets.toml", '[sources.freshsales]\napi_key = "<configure me>"\n')
    with freshsales.account():
        assert freshsales("init").code == 0
    assert section(freshsales, "secrets.toml") == {"api_key": KEY}


def test_a_file_in_a_form_that_cannot_be_added_to_is_left_alone_and_the_lines_are_told(
    freshsales: Command,
) -> None:
    inline = "sources = { freshsales = { page_size = 50 } }\n"
    freshsales.write(".dlt/config.toml", inline)
    freshsales.write(".dlt/secrets.toml", inline)
    with account(freshsales) as (_, url):
        freshsales.set(FRESHSALES_API_KEY=KEY)
        ran = freshsales("init", "--domain", url)
        assert f'Put under [sources.freshsales] by hand: domain = "{url}"' in ran.err
        freshsales.write(".dlt/config.toml", f'[sources.freshsales]\ndomain = "{url}"\n')
        ran = freshsales("init")
    assert ran.err.endswith("Put under [sources.freshsales] by hand: api_key = ...\n")
    assert (freshsales.folder / ".dlt" / "secrets.toml").read_text(encoding="utf-8") == inline


def test_in_a_git_repository_the_secrets_are_ignored(freshsales: Command) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=freshsales.folder, check=True)
    freshsales.write(".gitignore", "*.duckdb")
    with freshsales.account():
        ran = freshsales("init")
        assert freshsales("init").code == 0
    assert (freshsales.folder / ".gitignore").read_text(encoding="utf-8") == "*.duckdb\n.dlt/secrets.toml\n"
    assert ran.out.startswith(f"{freshsales.folder}/.gitignore: .dlt/secrets.toml added")
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(status, cwd=freshsales.folder, check=True, capture_output=True, text=True).stdout
    assert ".dlt/config.toml" in listed
    assert "secrets" not in listed


def test_outside_of_git_no_gitignore_is_made(freshsales: Command) -> None:
    with freshsales.account():
        assert freshsales("init").code == 0
    assert not (freshsales.folder / ".gitignore").exists()


def test_views_of_other_names_are_chosen_by_number_and_written_by_id(freshsales: Command) -> None:
    person = Person(answers=["99", "1", "4", "1", "4", "9, 10 11", "12"])
    with account(freshsales, LOCALISED) as (_, url):
        freshsales.set(FRESHSALES_API_KEY=KEY)
        assert init(freshsales.folder, domain=url, is_forced=False, terminal=person) == 0
        freshsales.set(FRESHSALES_API_KEY="")
        assert freshsales("check").code == 0
    assert person.answers == []
    assert person.questions[0].startswith(
        "contacts: the usual view is not there. Which of these show them all"
    )
    assert "   1  Alle contactpersonen\n" in person.questions[0]
    assert person.questions[1].startswith("Numbers from 1 to ")
    views = section(freshsales, "config.toml")["views"]
    assert (views["contacts"], views["contacts_bin"], len(views["deals"])) == (CONTACTS, CONTACTS_BIN, 3)
    text = (freshsales.folder / ".dlt" / "config.toml").read_text(encoding="utf-8")
    assert f'contacts = {CONTACTS}  # "Alle contactpersonen"\n' in text


def test_a_view_left_open_is_told_as_the_problem_it_will_be(
    freshsales: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    person = Person(answers=[""])
    with account(freshsales, replace(ALL_PIPELINES, missing_views=("All Contacts",))) as (_, url):
        freshsales.set(FRESHSALES_API_KEY=KEY)
        assert init(freshsales.folder, domain=url, is_forced=False, terminal=person) == 0
    assert 'saved_view_not_found: contacts has no saved view "All Contacts"' in capsys.readouterr().err
    assert "views" not in section(freshsales, "config.toml")


def test_without_a_terminal_missing_views_are_an_error_that_names_them(freshsales: Command) -> None:
    with freshsales.account(switches=LOCALISED):
        ran = freshsales("init")
        assert ran.code == 3
        assert (
            'contacts has no saved view "All Contacts"; found "Alle contactpersonen" (402000591801)'
            in ran.err
        )
        assert """SOURCES__FRESHSALES__VIEWS to '{"contacts": ID, "contacts_bin": ID, """ in ran.err
        assert not (freshsales.folder / ".dlt").exists()


def test_views_of_the_environment_are_tried_out_and_written(freshsales: Command) -> None:
    switches = replace(ALL_PIPELINES, missing_views=("All Contacts",))
    with freshsales.account(switches=switches):
        freshsales.set(SOURCES__FRESHSALES__VIEWS='{"contacts": "my contacts"}')
        assert freshsales("init").code == 0
    assert section(freshsales, "config.toml")["views"] == {"contacts": "my contacts"}


def test_a_quota_that_is_gone_is_worth_another_try(freshsales: Command) -> None:
    freshsales.set(SOURCES__FRESHSALES__RETRIES="1")
    with freshsales.account() as emulator:
        emulator.faults.add(Fault(kind="status", status=503, times=1))
        ran = freshsales("init")
    assert ran.code == 75
    assert ran.err.endswith("Nothing was written.\n")


# The text of the files


NAMES = st.text(min_size=1, max_size=8)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.text(max_size=12), st.integers(0, 10**13), st.lists(st.integers(0, 10**13), min_size=1, max_size=3)
)
TEXTS: list[str] = [
    "",
    OLD,
    "[sources.freshsales.views]\ncontacts = 1",
    "[ sources . freshsales ]\r\nx = 1\r\n",
    'a = """\n[sources.freshsales]\n"""\n',
    "sources.freshsales.x = 1\n",
    "[sources.freshsales]\ndomain = [\n  1,\n]\n[[sources.freshsales.more]]\ny = 2",
]


@given(text=st.sampled_from(TEXTS), values=st.dictionaries(NAMES | st.just("domain"), VALUES, min_size=1))
def test_a_changed_text_always_means_the_old_one_with_the_new_values(
    text: str, values: dict[str, Value]
) -> None:
    changed = with_values(text, ("sources", "freshsales"), values)
    if changed is not None:
        wanted = tomllib.loads(text)
        wanted.setdefault("sources", {}).setdefault("freshsales", {}).update(values)
        assert tomllib.loads(changed) == wanted


@pytest.mark.parametrize("text", TEXTS[:4])
def test_a_usual_text_can_always_be_changed(text: str) -> None:
    assert with_values(text, ("sources", "freshsales"), {"api_key": 'a"b\\c'}) is not None


def refuses(action: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        action()
    return str(caught.value)


def test_a_folder_that_cannot_be_written_to_is_told(freshsales: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with account(freshsales) as (_, url):
        freshsales.set(FRESHSALES_API_KEY=KEY)
        said = refuses(lambda: init(tmp_path / "file", domain=url, is_forced=False, terminal=None))
    assert "cannot be" in said
