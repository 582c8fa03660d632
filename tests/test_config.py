import ipaddress
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freshsales_source.errors import ConfigurationError
from freshsales_source.redact import Secret, redact
from freshsales_source.settings.account import VENDOR_DOMAINS
from freshsales_source.settings.config import RateLimit, Settings, parse_domain, read_settings

SUITE = "https://acme.myfreshworks.com/crm/sales/api"
KEY = "a-key_for-test_config-0042"


def settings(**values: object) -> Settings:
    return read_settings(flags={"api_key": KEY, "domain": "acme", **values})


@pytest.mark.parametrize(
    ("pasted", "base_url"),
    [
        ("acme", SUITE),
        ("  Acme \n", SUITE),
        ("acme/crm/sales", SUITE),
        ("acme.myfreshworks.com", SUITE),
        ("acme.myfreshworks.com/crm/sales", SUITE),
        ("https://acme.myfreshworks.com/crm/sales/", SUITE),
        ("https://ACME.myfreshworks.com/crm/sales/api", SUITE),
        ("https://acme.myfreshworks.com:443/", SUITE),
        ("https://acme.myfreshworks.com/crm/sales/deals/view/123", SUITE),
        ("acme.freshworks.com", "https://acme.freshworks.com/crm/sales/api"),
        ("eu.acme.myfreshworks.com", "https://eu.acme.myfreshworks.com/crm/sales/api"),
        ("https://acme.freshsales.io", "https://acme.freshsales.io/api"),
        ("acme.freshsales.io/contacts/view/9", "https://acme.freshsales.io/api"),
        ("acme.freshsales.io/crm/sales", "https://acme.freshsales.io/crm/sales/api"),
        ("https://crm.acme.com", "https://crm.acme.com/crm/sales/api"),
        ("https://crm.acme.com:8443/crm/sales", "https://crm.acme.com:8443/crm/sales/api"),
        ("https://crm.acme.com/api", "https://crm.acme.com/api"),
        ("http://127.0.0.1:8900", "http://127.0.0.1:8900/crm/sales/api"),
        ("http://127.0.0.1:8900/", "http://127.0.0.1:8900/crm/sales/api"),
        ("http://localhost:8900/api/", "http://localhost:8900/api"),
        ("http://[::1]:8900", "http://[::1]:8900/crm/sales/api"),
        ("https://localhost", "https://localhost/crm/sales/api"),
    ],
)
def test_what_users_paste_finds_the_api(pasted: str, base_url: str) -> None:
    assert parse_domain(pasted).base_url == base_url


def test_an_account_tells_what_kind_of_host_it_is() -> None:
    vendor, own, local = map(parse_domain, ("acme", "https://crm.acme.com", "http://[::1]:8900"))
    assert (vendor.alias, vendor.is_vendor_host, vendor.is_loopback) == ("acme", True, False)
    assert (own.alias, own.is_vendor_host, own.is_loopback) == ("crm.acme.com", False, False)
    assert (local.host, local.is_vendor_host, local.is_loopback) == ("::1", False, True)
    assert (local.origin, vendor.origin) == (("http", "::1", 8900), ("https", "acme.myfreshworks.com", 443))
    assert (local.netloc, vendor.netloc) == ("[::1]:8900", "acme.myfreshworks.com")


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        "acme@evil.com",
        "https://acme.myfreshworks.com@evil.com",
        "https://user:pass@acme.myfreshworks.com",
        "acme.evil.com",
        "evil.com/acme.myfreshworks.com",
        "https://evil.com\\.myfreshworks.com",
        "acme.myfreshworks.com\\@evil.com",
        "acme?x=.myfreshworks.com",
        "https://evil.com#.myfreshworks.com",
        "https://evil.com/?.myfreshworks.com",
        "evil%2ecom",
        "acme.myfreshworks.com.evil.com",
        "evilmyfreshworks.com",
        "myfreshworks.com",
        "https://freshsales.io",
        "acme.myfreshworks.com.",
        "acme..myfreshworks.com",
        "acmé",
        "acme.myfreshworks。com",
        "ac me",
        "ac\nme.myfreshworks.com",
        "acme_corp",
        "a" * 64,
        "https://acme.myfreshworks.com:8443",
        "https://acme.myfreshworks.com:0",
        "https://acme.myfreshworks.com:",
        "http://acme.myfreshworks.com",
        "http://crm.acme.com",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://2130706433",
        "http://0x7f000001",
        "http://127.1",
        "http://0177.0.0.1",
        "http://10.0.0.5:8900",
        "http://0.0.0.0:8900",
        "https://93.184.216.34",
        "http://[::ffff:127.0.0.1]:8900",
        "http://[fe80::1]:80",
        "http://[::1",
        "localhost",
        "localhost:8900",
        "127.0.0.1:8900",
        "//acme.myfreshworks.com",
        "ftp://acme.myfreshworks.com",
        "file:///etc/passwd",
        "https:acme.myfreshworks.com",
        "https://",
        "https://crm.acme.com/other/app",
        "https://crm.acme.com:99999",
    ],
)
def test_what_is_not_clearly_an_account_is_refused_and_not_repeated(pasted: str) -> None:
    with pytest.raises(ConfigurationError, match="`domain`") as caught:
        parse_domain(pasted)
    assert caught.value.remedy
    assert "evil" not in str(caught.value)
    assert "pass" not in str(caught.value)


PARTS = (
    "acme evil.com .myfreshworks.com .freshsales.io @ / // \\ : :443 :8900 http:// https:// 127.0.0.1 "
    "localhost [::1] . # ? %40 crm/sales api 0x7f - é"
)
parts = st.sampled_from([*PARTS.split(), " "])


@given(st.one_of(st.lists(parts, max_size=7).map("".join), st.text(max_size=30)))
@example("https://acme.myfreshworks.com:443@evil.com")
def test_the_key_can_only_go_where_the_rules_allow(pasted: str) -> None:
    try:
        account = parse_domain(pasted)
    except ConfigurationError:
        return
    authority = account.base_url.partition("://")[2].partition("/")[0]
    assert re.fullmatch(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d+)?(/crm/sales)?/api", account.base_url)
    assert authority == account.netloc
    if account.scheme == "http":
        assert account.host == "localhost" or ipaddress.ip_address(account.host).is_loopback
    elif account.is_vendor_host:
        assert account.host.endswith(tuple(f".{domain}" for domain in VENDOR_DOMAINS))
        assert account.port is None
    else:
        assert pasted.strip().lower().startswith(f"https://{authority}")


@pytest.mark.parametrize("key", [f"  {KEY}\n", f"\t{KEY}\r\n", Secret(KEY)])
def test_blanks_around_the_key_are_dropped(key: object) -> None:
    assert settings(api_key=key).api_key.reveal() == KEY


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("abc\ndef-SECRET", "line break in the middle"),
        ("abc\r\ndef-SECRET", "line break in the middle"),
        ("abc\x00def-SECRET", "control character"),
        ("abc\x7fdef-SECRET", "control character"),
        ("abc\u200bSECRET", "outside ASCII"),
        ("Schlüssel-SECRET", "outside ASCII"),
        ("Token token=SECRET", "a space"),
        ("*****SECRET", "masked"),
        ("<configure me>", "placeholder"),
        (42, "is a number, not a text"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(key: object, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        settings(api_key=key)
    assert "api_key" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_the_key_is_hidden_from_the_moment_the_settings_exist() -> None:
    made = settings(api_key="hidden-as-soon-as-read-77")
    assert "hidden-as-soon" not in repr(made)
    assert redact("x hidden-as-soon-as-read-77") == "x ***"


def test_defaults_are_those_of_the_design() -> None:
    made = settings()
    assert made.limits == (RateLimit(requests=400, seconds=60), RateLimit(requests=1000, seconds=3600))
    assert (made.plan, made.reserve, made.on_quota, made.max_calls) == ("growth", 0.1, "wait", None)
    assert (made.budget_store, made.concurrency, made.page_size) == (None, 4, 100)
    assert (made.timeout_s, made.retries, made.start_date) == (60, 5, None)
    assert (made.lookback_s, made.lookups_every_s, made.objects) == (300, 3600, None)
    assert (dict(made.views), made.time_zone, made.timelines) == ({}, "UTC", False)
    assert made.account.base_url == SUITE


@pytest.mark.parametrize(
    ("plan", "per_hour"), [("free", 1000), ("growth", 1000), ("pro", 2000), ("enterprise", 5000)]
)
def test_a_plan_stands_for_its_limits_and_rate_limits_override_it(plan: str, per_hour: int) -> None:
    assert [limit.requests for limit in settings(plan=plan).limits] == [400, per_hour]
    assert settings(plan=plan, rate_limits=[[7, 10]]).limits == (RateLimit(requests=7, seconds=10),)


def test_a_flag_wins_over_the_environment_and_that_over_the_files() -> None:
    made = read_settings(
        flags={"page_size": 4, "domain": None},
        environment={
            "FRESHSALES_API_KEY": "short-form-key",
            "FRESHSALES_DOMAIN": "from-short",
            "SOURCES__FRESHSALES__DOMAIN": "from-long",
            "SOURCES__FRESHSALES__PAGE_SIZE": "3",
            "SOURCES__FRESHSALES__MAX_TABLE_NESTING": "0",
            "SOURCES__FRESHSALES__RETRIES": "",
        },
        secrets={"api_key": "secrets-file-key", "domain": "from-secrets", "page_size": 2, "retries": 2},
        config={"domain": "from-config", "page_size": 1, "retries": 1, "plan": "pro"},
    )
    assert (made.api_key.reveal(), made.domain, made.page_size) == ("short-form-key", "from-long", 4)
    assert (made.retries, made.plan) == (2, "pro")


def test_the_environment_gives_every_kind_of_value_as_text() -> None:
    values: dict[str, object] = {
        "RESERVE": "0.25",
        "RATE_LIMITS": "[[1000, 3600], [100, 60]]",
        "MAX_CALLS": "50",
        "BUDGET_STORE": "/tmp/a budget.sqlite",
        "TIMEOUT_S": "12.5",
        "START_DATE": "2024-01-31",
        "OBJECTS": "contacts, deals,contacts",
        "VIEWS": json.dumps({"contacts": "Alle Kontakte", "deals": [1, "2", "Gewonnen"]}),
        "TIME_ZONE": "Asia/Kolkata",
        "ON_QUOTA": "stop",
        "TIMELINES": "true",
    }
    environment = {f"SOURCES__FRESHSALES__{name}": str(value) for name, value in values.items()}
    made = read_settings(environment={**environment, "FRESHSALES_API_KEY": KEY, "FRESHSALES_DOMAIN": "acme"})
    assert made.limits == (RateLimit(requests=100, seconds=60), RateLimit(requests=1000, seconds=3600))
    assert (made.reserve, made.max_calls, made.timeout_s, made.on_quota) == (0.25, 50, 12.5, "stop")
    assert made.budget_store == Path("/tmp/a budget.sqlite")
    assert made.start_date == datetime(2024, 1, 30, 18, 30, tzinfo=UTC)
    assert made.objects == ("contacts", "deals")
    assert made.timelines is True
    assert made.views == {"contacts": ("Alle Kontakte",), "deals": (1, 2, "Gewonnen")}


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (date(2024, 7, 1), datetime(2024, 6, 30, 22, tzinfo=UTC)),
        ("2024-07-01T00:00:00Z", datetime(2024, 7, 1, tzinfo=UTC)),
        ("2024-07-01T00:00:00", datetime(2024, 6, 30, 22, tzinfo=UTC)),
        (datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)),
    ],
)
def test_a_start_date_without_offset_is_read_in_the_time_zone(value: object, utc: datetime) -> None:
    assert settings(start_date=value, time_zone="Europe/Berlin").start_date == utc


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan", "gold"),
        ("plan", 3),
        ("rate_limits", []),
        ("rate_limits", [[400]]),
        ("rate_limits", [400, 60]),
        ("rate_limits", [[0, 60]]),
        ("rate_limits", [[10, 0.5]]),
        ("rate_limits", [[10, 60], [20, 60]]),
        ("rate_limits", "[[10, 60"),
        ("rate_limits", [[1.5, 60]]),
        ("rate_limits", [["many", 60]]),
        ("reserve", -0.1),
        ("reserve", 0.95),
        ("reserve", "much"),
        ("reserve", "nan"),
        ("reserve", True),
        ("on_quota", "sleep"),
        ("on_erase", "forget"),
        ("max_calls", 0),
        ("max_calls", "1.5"),
        ("budget_store", ""),
        ("concurrency", 0),
        ("concurrency", 33),
        ("page_size", 0),
        ("page_size", 101),
        ("timeout_s", 0),
        ("timeout_s", "inf"),
        ("retries", 0),
        ("lookback_s", -1),
        ("lookups_every_s", -1),
        ("start_date", "yesterday"),
        ("start_date", 5),
        ("objects", []),
        ("objects", {"contacts": 1}),
        ("views", "All Contacts"),
        ("views", {"deals": []}),
        ("views", {"deals": [True]}),
        ("views", [1]),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", ""),
        ("timelines", "perhaps"),
        ("timelines", 1),
        ("domain", 5),
    ],
)
def test_a_bad_value_is_one_error_that_names_the_setting_and_the_remedy(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"`{name}`") as caught:
        settings(**{name: value})
    assert caught.value.remedy


def test_settings_made_directly_are_checked_as_well() -> None:
    with pytest.raises(ConfigurationError, match="page_size"):
        Settings(api_key=Secret(KEY), domain="acme", page_size=1000)
    with pytest.raises(ConfigurationError, match="has no time zone"):
        Settings(
            api_key=Secret(KEY),
            domain="acme",
            start_date=datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        )


def test_a_misspelt_setting_is_told_its_name() -> None:
    with pytest.raises(ConfigurationError, match=r"`page_sise` is no setting\. Did you mean `page_size`\?"):
        read_settings(flags={"api_key": KEY, "domain": "acme"}, config={"page_sise": 5})


@pytest.mark.parametrize(
    ("missing", "variable"), [("api_key", "FRESHSALES_API_KEY"), ("domain", "FRESHSALES_DOMAIN")]
)
def test_a_missing_setting_is_told_where_to_put_it(missing: str, variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"`{missing}` is not set.*{variable}"):
        read_settings(flags={"api_key": KEY, "domain": "acme", missing: None})


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("PAGE_SISE", r"Did you mean SOURCES__FRESHSALES__PAGE_SIZE\?"),
        ("COLOUR_OF_THE_SKY", "Settings are: SOURCES__FRESHSALES__API_KEY, "),
        ("VIEWS__DEALS", "Write all of it as JSON into SOURCES__FRESHSALES__VIEWS"),
    ],
)
def test_a_misspelt_variable_is_told_its_name(variable: str, remedy: str) -> None:
    variable = f"SOURCES__FRESHSALES__{variable}"
    with pytest.raises(ConfigurationError, match=f"{variable} is no setting. {remedy}"):
        settings_from({variable: "1"})
    assert settings_from({variable: ""}).page_size == 100, "an empty variable counts as not set"


def test_variables_that_dlt_reads_are_none_of_our_business() -> None:
    variables = ("MAX_TABLE_NESTING", "EXTRACT__WORKERS", "FRESHSALES__API_KEY", "SCHEMA__NAMING")
    assert settings_from({f"SOURCES__FRESHSALES__{name}": "2" for name in variables}).page_size == 100


def settings_from(environment: dict[str, str]) -> Settings:
    return read_settings(flags={"api_key": KEY, "domain": "acme"}, environment=environment)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("views", {"contcats": "All"}, r"`contcats`, which has no saved views\. Did you mean `contacts`\?"),
        ("views", {"deals_bni": 5}, r"`deals_bni`, .* Did you mean `deals_bin`\?"),
        ("views", {"tasks": 5}, r"`tasks`, which has no saved views"),
        ("objects", ["contcats"], r"'contcats', which is no object\. Did you mean `contacts`\?"),
        ("objects", ["notes"], "nothing that has any"),
        ("drop_columns", ["contacts.colour"], "no column"),
        ("hash_columns", ["contacts.email"], "`hash_key` is not set"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings(**{name: value})


def test_names_of_custom_modules_are_left_to_the_account() -> None:
    made = settings(views={"cm_a": 1, "cm_a_bin": 2, "leads_bin": "Bin"}, objects=["cm_a", "deals"])
    assert made.views == {"cm_a": (1,), "cm_a_bin": (2,), "leads_bin": ("Bin",)}
