"""The README and its pages in `docs/` are held to the code: their tables, commands, SQL and Python.

`python -m tests.test_docs` rewrites the parts that are generated.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

import run
from freshsales_source import catalogue, errors
from freshsales_source.cli.arguments import parse, parser
from freshsales_source.entities import ENTITIES, LOOKUPS
from freshsales_source.entities.feeds import FEEDS, Feed
from freshsales_source.errors import FatalError, FreshsalesError, ObjectError, RetriableError
from freshsales_source.exit_codes import ExitCode
from freshsales_source.marts import answer_models, history_models, metrics
from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Selector, Views
from freshsales_source.settings.config import Settings
from freshsales_source.sync.verdicts import Verdict
from tests import readme_blocks
from tests.command import Command
from tests.conformance import CHECKS, WANTED
from tests.connector import company, connect

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
TEXT = README.read_text(encoding="utf-8")

# Defaults that the README tells in words, where the code has None or an empty value.
IN_WORDS = {
    "rate_limits": "of the plan",
    "max_calls": "none",
    "budget_store": "one per account",
    "start_date": "none",
    "objects": "all",
    "views": "by name",
    "drop_columns": "none",
    "hash_columns": "none",
    "hash_key": "none",
    "history": "true",
    "timelines": "false",
}


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


# What is generated


def generated_tables() -> str:
    rows = []
    for table in catalogue.tables():
        name = "`cm_*`" if table.name == catalogue.ANY_MODULE.name else f"`{table.name}`"
        holds = "Records of each custom module, e.g. `cm_contracts`." if "*" in name else table.description
        rows.append(f"| {name} | {', '.join(f'`{key}`' for key in table.grain)} | {holds} |")
    return "\n".join(["| table | one row per | what it holds |", "|---|---|---|", *rows])


def generated_objects() -> str:
    rows = [f"| {' | '.join(_object_row(entity))} |" for entity in ENTITIES if entity not in LOOKUPS]
    rows += [f"| {' | '.join(_feed_row(feed))} |" for feed in FEEDS]
    shared = {p.path for e in LOOKUPS if isinstance(e.read, Selector) for p in (e.read, *e.read.also)}
    note = f"The {len(LOOKUPS)} lookups take {len(shared)} calls, once per `lookups_every_s`, and "
    note += "the directory of custom modules and the lists of contacts one more each."
    head = ["| object | read from | first sync | idle sync | what it cannot see |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", note])


def _feed_row(feed: Feed) -> tuple[str, str, str, str, str]:
    objects = ", ".join(f"`{name}`" for name in feed.parents)
    unseen = "what does not move `updated_at` of its record"
    first = f"a call or more for each record of {objects}"
    return f"`{feed.name}`", "each record alone", first, "none; the same for each record loaded", unseen


def _object_row(entity: Entity) -> tuple[str, str, str, str, str]:
    match entity.read:
        case Selector(is_paged=True):
            unseen = "who is in a list"
            return f"`{entity.name}`", "one list", "its pages", "as the lookups", unseen
        case Selector():
            source = "its *All ...* view, *Recycle Bin* if there is one"
            idle = "1 call for each view where the order is kept, else its pages"
            return (
                "`cm_*`",
                source,
                "2 calls and the pages",
                idle,
                "what moves neither a stamp nor a count, before its refresh",
            )
        case Views(live=live) as how:
            views = ", ".join(f"*{name}*" for name in live)
            unseen = "what moves neither a stamp nor a count, before its refresh"
            calls = f"{len(live) + 1} calls"
            if how.pipelines is not None:
                calls += "; 1 more, and 1 or 2 a pipeline, where views leave some out"
            source = f"{views}, *{how.bin}*" + (", pipelines by search" if how.pipelines else "")
            return f"`{entity.name}`", source, "2 calls and the pages", calls, unseen
        case Filters(live=(live,), settled=(settled,)):
            source = f"`{live}` every time, `{settled}` once and then counted"
            unseen = f"edits of what is in `{settled}`, before their refresh"
            return f"`{entity.name}`", source, "the pages", f"pages of `{live}`, two more", unseen
        case FlatList(sort=sort):
            idle = "its pages" if sort is None else "1 call where the order is kept, else its pages"
            return (
                f"`{entity.name}`",
                "one list",
                "the pages",
                idle,
                "nothing where it is read whole" if sort else "nothing",
            )
    raise AssertionError(entity.name)


def generated_options() -> str:
    parts = []
    for name, command, about in commands():
        rows = [f"| {_names(action)} | {action.help} |" for action in _actions(command)]
        parts.append(
            "\n".join([f"`freshsales {name}`: {about}", "", "| option | meaning |", "|---|---|", *rows])
        )
    return "\n\n".join(parts)


def commands() -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Name, parser and help of each command."""
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            about = {choice.dest: str(choice.help) for choice in action._choices_actions}
            yield from ((name, command, about[name]) for name, command in action.choices.items())


def _actions(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in command._actions if not isinstance(action, argparse._HelpAction)]


def _names(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar}"
    return ", ".join(f"`{name}{value}`" for name in action.option_strings) or f"`{action.metavar}`"


def generated_commands() -> str:
    rows = [f"| `freshsales {name}` | {about} |" for name, _, about in commands()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def generated_destinations() -> str:
    rows = [
        f"| {about} | {' | '.join('yes' if name in holds else 'no' for holds in WANTED.values())} |"
        for name, about in CHECKS.items()
    ]
    head = f"| | {' | '.join(f'`{name}`' for name in WANTED)} |"
    return "\n".join([head, f"|---{'|:-:' * len(WANTED)}|", *rows])


def generated_marts() -> str:
    rows = [
        f"| `{model.name}` | {_row_of(model.grain)} | {model.question[0].upper()}{model.question[1:]} |"
        for model in (*history_models(), *answer_models())
    ]
    return "\n".join(["| view | one row per | question |", "|---|---|---|", *rows])


def _row_of(grain: str) -> str:
    return (
        grain.removesuffix(".").removeprefix("one row").removeprefix(" per ") or "the whole: one row in all"
    )


def generated_metrics() -> str:
    rows = [
        f"| `{m.name}` | {m.unit.value} | {m.about} {m.caveats} | `{m.formula}`, of `{m.of}` |"
        for m in metrics()
    ]
    return "\n".join(
        ["| metric | unit | what it tells, and what not | formula |", "|---|---|---|---|", *rows]
    )


GENERATED = {
    "marts": generated_marts,
    "metrics": generated_metrics,
    "commands": generated_commands,
    "destinations": generated_destinations,
    "tables": generated_tables,
    "objects": generated_objects,
    "options": generated_options,
}


def with_generated_parts(text: str) -> str:
    for name in (name for name in GENERATED if f"<!-- generated: {name} -->" in text):
        before, marker, rest = text.partition(f"<!-- generated: {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}{marker}\n{GENERATED[name]()}\n\n{end}{after}"
    return text


def test_the_generated_parts_are_up_to_date() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert [with_generated_parts(text) for text in texts] == texts, "run `python -m tests.test_docs`"
    places = [name for text in texts for name in re.findall(r"<!-- generated: (\w+) -->", text)]
    assert set(GENERATED) <= set(places)
    assert len(places) == len(set(places))


# What is written by hand


RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def section(title: str, text: str = TEXT) -> str:
    """The text below a heading, up to the next."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(title: str, first_header: str, text: str = TEXT) -> list[list[str]]:
    """The cells of the table below a heading whose first header is that one, headers left out."""
    lines = section(title, text).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {first_header} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split(" | ")])
    return rows


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return [block.strip() for block in found]


def test_every_setting_stands_there_with_its_default() -> None:
    documented = {name: default for name, default, _ in table("Settings", "setting")}
    expected = {}
    for setting in fields(Settings):
        is_required = setting.default is MISSING and setting.default_factory is MISSING
        value = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
        expected[setting.name] = "required" if is_required else IN_WORDS.get(setting.name, value)
    assert documented == expected


def test_every_exit_code_stands_there() -> None:
    in_short = table("Runbook", "exit code")
    assert [int(row[0]) for row in in_short] == sorted(ExitCode)
    assert table("Exit codes", "exit code", RUNBOOK) == in_short


def leaves(kind: type[FreshsalesError]) -> Iterator[type[FreshsalesError]]:
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from leaves(below) if below in (FatalError, RetriableError, ObjectError) else [below]


def test_every_error_stands_there_with_its_reason_and_its_exit_code() -> None:
    documented = [
        (reason, name, int(code)) for reason, name, code, _, _ in table("Errors", "reason", RUNBOOK)
    ]
    expected = [(kind("x").reason, kind.__name__, int(kind.exit_code)) for kind in leaves(FreshsalesError)]
    assert documented == expected
    assert all(len(cell) > 9 for row in table("Errors", "reason", RUNBOOK) for cell in row[3:])


def test_every_verdict_stands_there() -> None:
    assert [row[0] for row in table("Verdicts", "verdict", RUNBOOK)] == [verdict.value for verdict in Verdict]


def places(text: str) -> set[str]:
    """What a link can lead to: the headings of a page, as its anchors."""
    headings = [heading.lower() for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)]
    return {re.sub(r"[^a-z0-9 -]", "", heading).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) == places(TEXT)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for file, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
            led_to = (page.parent / file).resolve() if file else page
            assert led_to.exists(), (page.name, file)
            assert not anchor or anchor in places(led_to.read_text(encoding="utf-8")), (page.name, anchor)


def test_the_readme_leads_to_every_page() -> None:
    assert {f"docs/{page.name}" for page in PAGES[1:]} <= set(re.findall(r"\]\(([^)#]+)", TEXT))


def test_the_tables_that_the_readme_names_are_there() -> None:
    known = {table.name for table in catalogue.tables()} | {"cm_*"}
    named = re.findall(r"`([a-z_*]+)`", " ".join(cells[1] for cells in table("Tables", "kind")))
    assert set(named) - known == {"position"}


def test_every_package_is_named_and_every_name_exists() -> None:
    package = README.parent / "freshsales_source"
    names = re.findall(r"`([a-z_]+(?:\.py|/))`", section("Development"))
    assert [name for name in names if not (package / name).exists()] == []
    packages = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert packages - set(names) == set()


def test_every_command_can_be_given_as_it_stands() -> None:
    lines = [line.strip() for block in blocks("sh") for line in block.splitlines()]
    inline = re.findall(r"`(freshsales (?:init|check|discover|sync|status|emulator|demo)[^`]*)`", TEXT)
    known = [line for line in (*lines, *inline) if check_command(shlex.split(line))]
    assert len(known) > 12


def check_command(words: list[str]) -> bool:
    """Fail where a command of ours would; whether it is one of ours."""
    if words[0] == "freshsales":
        given = [word for word in words[1:] if word != "--help"]  # that one would exit
        assert parse(given).command
    elif words[:2] == ["python3", "run.py"]:
        assert callable(getattr(run, words[2]))
    else:
        assert words[0] in ("pip", "export", ".venv/bin/python"), words
        return False
    return True


def test_the_two_commands_of_the_first_screen_are_those_of_ci() -> None:
    assert blocks("sh")[0].splitlines() == ["python3 run.py demo", "python3 run.py test"]
    assert TEXT.count("\n", 0, TEXT.index("python3 run.py test")) < 20


def test_a_block_that_ci_leaves_out_talks_to_an_account_or_to_its_warehouse() -> None:
    left_out = [block for block in readme_blocks.blocks(TEXT) if block.needs_account]
    account = re.compile(
        "^(freshsales [a-z]|export FRESHSALES_|export DESTINATION__|from freshsales_source)", re.MULTILINE
    )
    assert [block.line for block in left_out if not account.search(block.text)] == []
    assert {block.language for block in left_out} == {"sh", "python"}
    assert len(list(readme_blocks.blocks(TEXT))) == TEXT.count("```") / 2


def test_the_sql_answers_on_what_a_sync_loads(tmp_path: Path) -> None:
    connector = connect(company(), tmp_path)
    assert connector.sync().exit_code == 0
    connector.warehouse(connector.settings()).marts().make()
    for query in blocks("sql"):
        assert connector.reader.query(query), query


def test_the_python_works(freshsales: Command) -> None:
    with_dlt, in_process = blocks("python")
    with freshsales.account():
        for name in ("DOMAIN", "API_KEY"):
            freshsales.set(**{f"SOURCES__FRESHSALES__{name}": freshsales.environment(f"FRESHSALES_{name}")})
        exec(compile(with_dlt, "README.md", "exec"), {})
    assert (freshsales.folder / "crm.duckdb").exists()
    exec(compile(in_process, "README.md", "exec"), {})


def test_the_one_liner_shows_the_demos_deals(freshsales: Command) -> None:
    (line,) = [line for line in blocks("sh") if line.startswith(".venv/bin/python")]
    with freshsales.account():
        assert freshsales("sync", "deals", "--duckdb", "freshsales-demo.duckdb").code == 0
    words = [sys.executable, *shlex.split(line)[1:]]
    shown = subprocess.run(words, cwd=freshsales.folder, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "26 rows" in shown.stdout


def demo_excerpt() -> str:
    """What the README shows of the demo's output."""
    return blocks("text")[0]


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_generated_parts(page.read_text(encoding="utf-8")), encoding="utf-8")
