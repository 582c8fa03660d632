"""Several accounts in one project: whose settings hold, and that nothing of one account reaches another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pytest

from freshsales_source.emulator import Emulator, Limits, SystemClock, Window, generate_company, serve
from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.accounts import accounts_in, dataset_of
from freshsales_source.settings.config import read_settings
from tests.command import ALL_PIPELINES, Command
from tests.test_docs import commands

OWN = "SOURCES__FRESHSALES__ACCOUNTS__EMEA__"
CONFIG: dict[str, object] = {
    "domain": "the-only-one",
    "plan": "pro",
    "page_size": 50,
    "views": {"contacts": 7},
    "budget_store": "/tmp/of-all-accounts.sqlite",
    "accounts": {"emea": {"domain": "acme-emea", "views": {"deals": 8}}, "apac_2": {"domain": "acme-apac"}},
}
SECRETS: dict[str, object] = {
    "api_key": "key-of-the-only-one",
    "accounts": {"emea": {"api_key": "key-of-emea", "dataset": "crm_emea"}},
}


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def test_what_is_set_for_one_account_wins_over_what_all_share_and_flags_over_both() -> None:
    environment = {f"{OWN}PAGE_SIZE": "20", f"{OWN}RETRIES": "2", "SOURCES__FRESHSALES__RETRIES": "9"}
    read = partial(read_settings, environment=environment, config=CONFIG, secrets=SECRETS)
    emea = read(flags={"retries": 3}, account="emea")
    assert (emea.domain, emea.api_key.reveal()) == ("acme-emea", "key-of-emea")
    assert (emea.plan, emea.page_size, emea.retries, dict(emea.views)) == ("pro", 20, 3, {"deals": (8,)})
    assert emea.budget_store is None, "a file for all would let one account spend another's calls"
    alone = read()
    assert (alone.domain, alone.api_key.reveal()) == ("the-only-one", "key-of-the-only-one")
    assert (alone.page_size, alone.retries, dict(alone.views)) == (50, 9, {"contacts": (7,)})


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"FRESHSALES_API_KEY": "key-of-another", "FRESHSALES_DOMAIN": "another"},
        {"SOURCES__FRESHSALES__API_KEY": "key-of-another", "SOURCES__FRESHSALES__DOMAIN": "another"},
        {"SOURCES__FRESHSALES__ACCOUNTS__EMEA__API_KEY": "key-of-emea"},
    ],
)
def test_the_key_of_one_account_never_stands_in_for_that_of_another(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"`accounts\.apac_2\.api_key` is not set") as caught:
        read_settings(environment=environment, config=CONFIG, secrets=SECRETS, account="apac_2")
    assert "SOURCES__FRESHSALES__ACCOUNTS__APAC_2__API_KEY" in str(caught.value)
    assert "[sources.freshsales.accounts.apac_2] in .dlt/secrets.toml" in str(caught.value)


def test_an_account_may_stand_in_the_environment_alone() -> None:
    environment = {f"{OWN}DOMAIN": "acme-emea", f"{OWN}API_KEY": "key-of-emea", f"{OWN}VIEWS": '{"deals": 8}'}
    made = read_settings(environment=environment, account="emea")
    assert (made.domain, dict(made.views)) == ("acme-emea", {"deals": (8,)})
    assert accounts_in(environment=environment, files=()) == ("emea",)
    with pytest.raises(ConfigurationError, match="--account emea"):
        read_settings(environment=environment)


@pytest.mark.parametrize(
    ("accounts", "complaint"),
    [
        ("emea", "is not a table of accounts"),
        ({"emea": "acme"}, "is not a table of accounts"),
        ({"emea": {}, "EMEA 2": {}}, "has a name that cannot be used"),
        ({"emea": {}, "a__b": {}}, "has a name that cannot be used"),
        ({"emea": {}, "x" * 38: {}}, "has a name that cannot be used"),
        ({"emea": {"pagesize": 3}}, "Did you mean `page_size`"),
        ({"apac": {}}, r"no account 'emea'.*Accounts that are set: apac"),
    ],
)
def test_what_is_no_account_is_refused(accounts: object, complaint: str) -> None:
    config = {**CONFIG, "accounts": accounts}
    with pytest.raises(ConfigurationError, match=complaint):
        read_settings(config=config, secrets={"api_key": "a-key"}, account="emea")


def test_the_schema_bears_the_accounts_name_unless_it_has_one_of_its_own() -> None:
    assert dataset_of("apac_2", environment={}, secrets=SECRETS, config=CONFIG) == "freshsales_apac_2"
    assert dataset_of("emea", environment={}, secrets=SECRETS, config=CONFIG) == "crm_emea"
    environment = {f"{OWN}DATASET": "crm_of_env"}
    assert dataset_of("emea", environment=environment, secrets=SECRETS, config=CONFIG) == "crm_of_env"
    with pytest.raises(ConfigurationError, match="no name of a schema"):
        dataset_of("emea", environment={f"{OWN}DATASET": "Sales"}, secrets={}, config=CONFIG)


@contextmanager
def two_accounts(freshsales: Command) -> Iterator[tuple[Emulator, Emulator]]:
    """Two companies of which one may be asked six times an hour, and the files that name them."""
    clock = SystemClock()
    tight = Limits(windows=(Window(requests=6, seconds=3600),))
    emulators = [
        Emulator(
            generate_company(clock, seed=seed, accounts=3, contacts=5, deals=4, in_bin=1),
            clock=clock,
            api_key=f"key-number-{seed}",
            switches=ALL_PIPELINES,
            limits=limits,
        )
        for seed, limits in ((1, tight), (2, None))
    ]
    with serve(emulators[0]) as emea, serve(emulators[1]) as apac:
        limits = "on_quota = 'stop'\nrate_limits = [[6, 3600]]\nreserve = 0.0"
        config = f"[sources.freshsales]\nobjects = ['contacts', 'owners']\n[{_table('emea')}]\n"
        config += f"domain = '{emea.url}'\n{limits}\n[{_table('apac')}]\ndomain = '{apac.url}'\n"
        freshsales.write(".dlt/config.toml", config)
        keys = [f"[{_table(name)}]\napi_key = 'key-number-{n}'\n" for n, name in ((1, "emea"), (2, "apac"))]
        freshsales.write(".dlt/secrets.toml", "".join(keys))
        yield emulators[0], emulators[1]


def _table(name: str) -> str:
    return f"sources.freshsales.accounts.{name}"


def test_two_accounts_sync_into_one_file_with_budgets_and_state_apart(freshsales: Command) -> None:
    with two_accounts(freshsales) as (emea, apac):
        first = freshsales("sync", "--account", "emea", "--json")
        # Its six calls are spent, which is nothing to the other one.
        spent = freshsales("sync", "--account", "emea", "--json")
        other = freshsales("sync", "--account", "apac", "--json")
        again = freshsales("sync", "--account", "apac", "--json")
        told = freshsales("status", "--account", "apac")
        live = {
            schema: sorted(int(row["id"]) for row in emulator.store.live("contacts"))
            for schema, emulator in (("freshsales_emea", emea), ("freshsales_apac", apac))
        }
    assert [run.code for run in (first, spent, other, again)] == [0, 75, 0, 0]
    assert (spent.json["reason"], first.json["dataset"]) == ("quota_exhausted", "freshsales_emea")
    assert other.json["dataset"] == "freshsales_apac"
    assert again.json["calls"] < other.json["calls"], "it went on from its own state"
    assert told.out.startswith("Whole as of ")
    assert f"Schema freshsales_apac in {freshsales.database.resolve()}" in told.out
    with duckdb.connect(str(freshsales.database)) as warehouse:
        for schema, ids in live.items():
            rows = warehouse.execute(f"SELECT id FROM {schema}.contacts WHERE NOT is_deleted ORDER BY id")
            assert [row[0] for row in rows.fetchall()] == ids
    budgets = list((freshsales.home / "state" / "freshsales-source").glob("budget-*.sqlite"))
    assert len(budgets) == 2


def test_without_a_name_a_project_of_accounts_says_which_there_are(freshsales: Command) -> None:
    with two_accounts(freshsales) as emulators:
        ran = freshsales("sync")
        assert [emulator.log for emulator in emulators] == [[], []]
    assert ran.code == 3
    assert "Say which account is meant: --account apac or emea." in ran.err


@pytest.mark.parametrize(
    "name", [name for name, *_ in commands() if name not in ("emulator", "demo", "init")]
)
def test_every_command_refuses_an_account_that_is_not_set(freshsales: Command, name: str) -> None:
    freshsales.set(FRESHSALES_DOMAIN="http://127.0.0.1:1", FRESHSALES_API_KEY="a-key")
    more = {"forget": ("contacts", "1"), "reset": ("contacts",)}.get(name, ())
    ran = freshsales(name, *more, "--account", "emea")
    assert ran.code == 3
    assert "there is no account 'emea'" in ran.err


def test_init_writes_the_tables_of_one_account_and_leaves_the_others(freshsales: Command) -> None:
    with two_accounts(freshsales) as (_, apac), serve(apac) as server:
        freshsales.set(SOURCES__FRESHSALES__ACCOUNTS__LATAM__API_KEY=apac.api_key)
        ran = freshsales("init", "--account", "latam", "--domain", server.url)
        assert ran.code == 0
        assert "Next: freshsales sync --account latam" in ran.out
        config, secrets = (
            (freshsales.folder / ".dlt" / name).read_text() for name in ("config.toml", "secrets.toml")
        )
        assert f'[sources.freshsales.accounts.latam]\ndomain = "{server.url}"' in config
        assert '[sources.freshsales.accounts.latam]\napi_key = "key-number-2"' in secrets
        assert "key-number-1" in secrets
        checked = freshsales("check", "--account", "latam")
    assert checked.code == 0
    assert "Next: freshsales sync --account latam" in checked.out
