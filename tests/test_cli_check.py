"""`freshsales check`: every trouble that a first try meets has its own words, its remedy and its exit code."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from freshsales_source.cli.project import settings_of_project
from freshsales_source.emulator import Fault, Switches
from tests.command import ALL_PIPELINES, Command, Ran


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


def check(freshsales: Command, *faults: Fault, switches: Switches = ALL_PIPELINES) -> Ran:
    with freshsales.account(switches=switches) as emulator:
        emulator.faults.add(*faults)
        ran = freshsales("check")
        assert emulator.faults.unfired() == []
    return ran


def test_a_healthy_account_is_described_and_the_next_command_named(freshsales: Command) -> None:
    ran = check(freshsales)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith("account         http://127.0.0.1:")
    assert lines[1].startswith('contacts        20 records, 2 in the recycle bin; "All Contacts" (')
    assert lines[3].startswith('deals           24 records, 2 in the recycle bin; "Open Deals" (')
    assert lines[4] == "leads           not in this account, or not for this key to see"
    assert lines[5:7] == ["owners          8", "cost            13 API calls"]
    assert lines[7].startswith("Deals are counted in these views only")
    assert "freshsales discover" in lines[7]
    assert lines[-1] == "Next: freshsales sync"


def test_a_wrong_key_is_told_by_the_server(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        freshsales.set(FRESHSALES_API_KEY="another-key")
        ran = freshsales("check")
        assert len(emulator.log) == 1
    assert ran.code == 3
    assert ran.err == (
        "wrong_key: the server does not accept the API key (401) (GET /crm/sales/api/selector/owners). "
        "Copy it again from Profile settings, API settings, in the account that `domain` names.\n"
    )
    assert "All is well" not in ran.out


def test_a_key_with_a_newline_is_told_before_any_call(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        freshsales.set(FRESHSALES_API_KEY="first-half\nsecond-half")
        ran = freshsales("check")
        assert emulator.log == []
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        "configuration_error: setting `api_key` has a line break in the middle. "
        "Copy the key again from Freshsales: Profile settings, API settings.\n"
    )


def test_a_newline_around_the_key_does_no_harm(freshsales: Command) -> None:
    with freshsales.account():
        freshsales.set(FRESHSALES_API_KEY="demo-key\n")
        assert freshsales("check").code == 0


def test_an_alias_that_nobody_has_is_not_taken_for_missing_objects(freshsales: Command) -> None:
    ran = check(freshsales, switches=replace(ALL_PIPELINES, alias="acme"))
    assert ran.code == 3
    assert ran.err == (
        "not_the_api: every address answers 404: 127.0.0.1 is not an account. "
        "Check `domain`: Profile settings, API settings shows the alias.\n"
    )


def test_no_network_is_worth_another_try(freshsales: Command) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but nobody listens
        freshsales.set(
            FRESHSALES_DOMAIN=f"http://127.0.0.1:{unused.getsockname()[1]}",
            FRESHSALES_API_KEY="demo-key",
            SOURCES__FRESHSALES__RETRIES="1",
        )
        ran = freshsales("check")
    assert ran.code == 75
    assert ran.err == (
        "network_fault: no connection to 127.0.0.1 (GET /crm/sales/api/selector/owners). "
        "Check the network, and `domain`.\n"
    )


def test_a_redirect_is_named_and_not_followed(freshsales: Command) -> None:
    ran = check(freshsales, Fault(kind="redirect", location="https://login.example.com/?next=1"))
    assert ran.code == 3
    assert ran.err.startswith(
        "not_the_api: the server redirects to login.example.com; redirects are never followed"
    )
    assert "open it in a browser and copy the host it ends at" in ran.err


def test_a_web_page_is_not_the_api(freshsales: Command) -> None:
    ran = check(freshsales, Fault(kind="html", status=200))
    assert ran.code == 3
    assert ran.err.startswith("not_the_api: the answer is not JSON but probably a web page")
    assert "Check `domain`" in ran.err


def test_a_missing_right_concerns_its_object_alone(freshsales: Command) -> None:
    ran = check(freshsales, switches=replace(ALL_PIPELINES, forbidden=("deals",)))
    assert ran.code == 4
    assert ran.err == (
        "forbidden: the key's user may not read this (403) (GET /crm/sales/api/deals/filters). "
        "Give that user's role the right to view it, or leave the object out of `objects`.\n"
    )
    assert "deals           no view to read from" in ran.out
    assert "contacts        20 records" in ran.out


def test_an_optional_object_that_is_refused_is_no_problem(freshsales: Command) -> None:
    ran = check(freshsales, switches=replace(ALL_PIPELINES, forbidden=("leads",)))
    assert (ran.code, ran.err) == (0, "")
    assert "leads           not in this account, or not for this key to see" in ran.out


def test_no_right_at_all_is_a_matter_of_configuration(freshsales: Command) -> None:
    everything = ("contacts", "sales_accounts", "deals", "owners", "deal_pipelines", "deal_stages")
    assert check(freshsales, switches=replace(ALL_PIPELINES, forbidden=everything)).code == 3


def test_a_missing_view_is_told_with_the_views_there_are(freshsales: Command) -> None:
    ran = check(freshsales, switches=replace(ALL_PIPELINES, missing_views=("All Contacts",)))
    assert ran.code == 4
    assert ran.err.startswith(
        'saved_view_not_found: contacts has no saved view "All Contacts"; found "My Contacts"'
    )
    assert "Set views.contacts under [sources.freshsales] in .dlt/config.toml." in ran.err


def test_a_view_named_in_the_settings_is_found(freshsales: Command) -> None:
    freshsales.write(".dlt/config.toml", '[sources.freshsales.views]\ncontacts = "VIPs"\n')
    ran = check(freshsales, switches=replace(ALL_PIPELINES, missing_views=("All Contacts",)))
    assert ran.code == 0
    assert '"VIPs" (' in ran.out


def test_json_is_one_object_with_the_exit_code_in_it(freshsales: Command) -> None:
    with freshsales.account(switches=replace(ALL_PIPELINES, forbidden=("deals",))):
        ran = freshsales("check", "--json")
    assert ran.code == ran.json["exit_code"] == 4
    assert [row["object"] for row in ran.json["objects"]] == ["contacts", "sales_accounts", "deals", "leads"]
    assert [problem["reason"] for problem in ran.json["problems"]] == ["forbidden"]


def test_json_is_one_object_where_not_even_the_settings_are_right(freshsales: Command) -> None:
    ran = freshsales("check", "--json")
    assert ran.code == ran.json["exit_code"] == 3
    assert ran.json["reason"] == "configuration_error"
    assert "FRESHSALES_API_KEY" in ran.json["message"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sources.freshsales\n", "config.toml is not valid TOML"),
        ("[sources]\nfreshsales = 3\n", "sources.freshsales in .dlt/config.toml is no table"),
        ('[sources.freshsale]\ndomain = "acme"\n', "[sources.freshsale] in .dlt/config.toml is no section"),
        ("sources = 3\n", "sources.freshsales in .dlt/config.toml is no table"),
        ("[sources.freshsales]\nlook_back = 3\n", "Did you mean `lookback_s`?"),
        ('[sources.freshsales]\nplan = "gold"\n', "setting `plan` is 'gold'. Use one of free, growth"),
    ],
)
def test_a_settings_file_that_is_wrong_is_named(freshsales: Command, text: str, says: str) -> None:
    freshsales.write(".dlt/config.toml", text)
    freshsales.set(FRESHSALES_DOMAIN="acme", FRESHSALES_API_KEY="demo-key")
    ran = freshsales("check")
    assert (ran.code, ran.out) == (3, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_a_settings_file_that_cannot_be_read_is_named(freshsales: Command) -> None:
    (freshsales.folder / ".dlt" / "secrets.toml").mkdir(parents=True)
    freshsales.set(FRESHSALES_DOMAIN="acme", FRESHSALES_API_KEY="demo-key")
    ran = freshsales("check")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("configuration_error: .dlt/secrets.toml cannot be read (Is a directory). ")


def test_a_folder_of_dlt_that_cannot_be_made_is_named(freshsales: Command) -> None:
    freshsales.write("file", "")
    freshsales.set(FRESHSALES_DOMAIN="acme", FRESHSALES_API_KEY="demo-key")
    freshsales.set(DLT_DATA_DIR=f"{freshsales.folder}/file/dlt")
    ran = freshsales("status")
    assert (ran.code, ran.out) == (3, "")
    assert f"dlt's folder {freshsales.folder}/file/dlt/pipelines cannot be written (Not a dir" in ran.err


def test_the_settings_of_the_project_serve_as_dlt_would_read_them(freshsales: Command) -> None:
    with freshsales.account() as emulator:
        freshsales.write(".dlt/secrets.toml", '[sources.freshsales]\napi_key = "from-the-file"\n')
        assert freshsales("check").code == 0, "the environment wins over files"
        freshsales.set(FRESHSALES_API_KEY="")
        assert freshsales("check").code == 3, "the file's key is used, and is wrong"
        assert emulator.log[-1].status == 401


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ("acme", ""),
        ("http://localhost:8900", ""),
        (
            "https://crm.acme.example",
            "The API key goes to crm.acme.example, which is not a host of Freshworks.\n",
        ),
    ],
)
def test_a_host_that_is_not_the_vendors_is_named_before_the_key_goes_there(
    freshsales: Command, capsys: pytest.CaptureFixture[str], domain: str, says: str
) -> None:
    freshsales.set(FRESHSALES_DOMAIN=domain, FRESHSALES_API_KEY="demo-key")
    settings_of_project({})
    assert capsys.readouterr().err == says
