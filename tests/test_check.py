from collections.abc import Mapping

import httpx
import pytest

from freshsales_source.discovery.check import Diagnosis, ObjectFacts, Problem, diagnose
from freshsales_source.errors import ConfigurationError
from freshsales_source.pages.views import View
from freshsales_source.settings.config import read_settings
from freshsales_source.settings.setting_values import ViewChoice
from tests.canned_server import CANARY, CannedServer, Reply, client_for, json_reply
from tests.fake_clock import FakeClock

CONTACTS = ObjectFacts(object="contacts", default_views=("All Contacts",))
DEALS = ObjectFacts(object="deals", default_views=("Open Deals", "Won Deals"))
BASE = "/crm/sales/api"


def filters(*names: str) -> httpx.Response:
    return json_reply({"filters": [{"id": 100 + number, "name": name} for number, name in enumerate(names)]})


def page(envelope: str, total: int | None) -> httpx.Response:
    return json_reply({"users": [], envelope: [], "meta": {} if total is None else {"total": total}})


HEALTHY: dict[str, Reply] = {
    "selector/owners": json_reply(
        {"users": [{"id": 1}, {"id": 2}]},
        headers={
            "Date": "Mon, 02 Mar 2026 09:00:07 GMT",
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": "9",
        },
    ),
    "contacts/filters": filters("My Contacts", "All Contacts", "Recycle Bin"),
    "contacts/view/101": page("contacts", 350),
    "contacts/view/102": page("contacts", 7),
    "deals/filters": filters("Open Deals", "Won Deals", "Recycle Bin"),
    "deals/view/100": page("deals", 20),
    "deals/view/101": page("deals", 30),
    "deals/view/102": page("deals", 0),
}


def check(
    changes: Mapping[str, Reply] | None = None,
    *,
    default: Reply | None = None,
    views: Mapping[str, ViewChoice] | None = None,
    objects: tuple[ObjectFacts, ...] = (CONTACTS, DEALS),
) -> Diagnosis:
    routes: dict[str, Reply] = {**HEALTHY, **(changes or {})} if default is None else {}

    def answer(request: httpx.Request) -> httpx.Response:
        reply = routes.get(request.url.path.removeprefix(f"{BASE}/"), default or json_reply(status=404))
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else reply(request)

    clock = FakeClock()
    client = client_for(CannedServer([answer], clock), clock)
    diagnosis = diagnose(client, objects, clock=clock, views=views)
    assert CANARY not in repr(diagnosis)
    return diagnosis


def only_problem(diagnosis: Diagnosis) -> Problem:
    (problem,) = diagnosis.problems
    assert problem.remedy
    return problem


def test_a_healthy_account_is_described_without_a_complaint() -> None:
    found = check()
    assert (found.problems, found.exit_code) == ((), 0)
    contacts, deals = found.objects
    assert (contacts.records, contacts.binned, contacts.views) == (
        350,
        7,
        (View(id=101, name="All Contacts"),),
    )
    assert (deals.records, deals.binned, deals.is_readable) == (50, 0, True)
    assert (found.owners, found.skew_s, found.calls) == (2, 7, 8)
    assert found.limits is not None
    assert (found.limits.limit, found.limits.remaining) == (1000, 9)
    assert found.account.host == "acme.myfreshworks.com"


def test_a_wrong_key_ends_the_check() -> None:
    found = check(default=json_reply({"login": "failed", "message": None}, status=401))
    problem = only_problem(found)
    assert (problem.reason, found.exit_code, found.calls) == ("wrong_key", 3, 1)
    assert "API settings" in problem.remedy


def test_a_key_with_a_newline_is_told_before_any_call() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(flags={"api_key": "abc\ndef", "domain": "acme"})
    problem = Problem.of(caught.value)
    assert (problem.reason, problem.exit_code) == ("configuration_error", 3)
    assert problem.what == "setting `api_key` has a line break in the middle"


@pytest.mark.parametrize("reply", [json_reply(status=404), httpx.Response(404, html="<h1>Not here</h1>")])
def test_a_wrong_alias_answers_404_to_everything(reply: httpx.Response) -> None:
    found = check(default=reply)
    problem = only_problem(found)
    assert (problem.reason, found.exit_code) == ("not_the_api", 3)
    assert problem.what == "every address answers 404: acme.myfreshworks.com is not an account"
    assert "domain" in problem.remedy


def test_no_network_is_worth_another_try_later() -> None:
    found = check(default=httpx.ConnectError("Name or service not known"))
    assert (only_problem(found).reason, found.exit_code) == ("network_fault", 75)


def test_a_redirect_is_named_and_not_followed() -> None:
    found = check(default=httpx.Response(302, headers={"Location": "https://login.example.com/?next=secret"}))
    problem = only_problem(found)
    assert (problem.reason, found.exit_code, found.calls) == ("not_the_api", 3, 1)
    assert "redirects to login.example.com" in problem.what
    assert "secret" not in repr(problem)


def test_a_web_page_is_not_the_api() -> None:
    found = check(default=httpx.Response(200, html="<html>Please log in</html>"))
    assert (only_problem(found).reason, found.exit_code, found.calls) == ("not_the_api", 3, 1)


def test_a_missing_right_concerns_one_object_and_names_it() -> None:
    found = check(
        {"deals/filters": json_reply({"errors": {"code": 403, "message": ["Kein Zugriff"]}}, status=403)}
    )
    problem = only_problem(found)
    assert (problem.reason, problem.object, found.exit_code) == ("forbidden", "deals", 4)
    assert found.objects[0].records == 350
    assert not found.objects[1].is_readable


def test_rights_missing_everywhere_are_a_matter_of_configuration() -> None:
    found = check(default=json_reply(status=403))
    assert {problem.reason for problem in found.problems} == {"forbidden"}
    assert found.exit_code == 3


def test_a_missing_view_is_told_with_the_views_there_are_and_the_setting_to_use() -> None:
    found = check({"contacts/filters": filters("Meine Kontakte", "Alle Kontakte", "Recycle Bin")})
    problem = only_problem(found)
    assert (problem.reason, problem.object, found.exit_code) == ("saved_view_not_found", "contacts", 4)
    assert problem.what == (
        'contacts has no saved view "All Contacts"; '
        'found "Meine Kontakte" (100), "Alle Kontakte" (101), "Recycle Bin" (102)'
    )
    assert "views.contacts" in problem.remedy
    assert not found.objects[0].is_readable


@pytest.mark.parametrize("choice", [(101,), ("Alle Kontakte",), ("alle kontakte ",)])
def test_the_setting_for_views_is_heeded(choice: ViewChoice) -> None:
    found = check(
        {"contacts/filters": filters("Meine Kontakte", "Alle Kontakte", "Recycle Bin")},
        views={"contacts": choice},
    )
    assert (found.problems, found.objects[0].records) == ((), 350)


def test_a_view_id_that_does_not_exist_is_told() -> None:
    problem = only_problem(check(views={"contacts": (999,)}))
    assert problem.what.startswith("contacts has no saved view with id 999; found")


def test_a_missing_recycle_bin_means_that_deletions_cannot_be_seen() -> None:
    found = check({"contacts/filters": filters("My Contacts", "All Contacts")})
    problem = only_problem(found)
    assert (problem.exit_code, found.objects[0].records, found.objects[0].binned) == (4, 350, None)
    assert "deletions cannot be seen" in problem.what


def test_an_object_this_account_does_not_have_is_no_problem() -> None:
    found = check(objects=(CONTACTS, ObjectFacts(object="leads", default_views=("All Leads",))))
    assert (found.problems, found.exit_code) == ((), 0)
    assert [one.is_available for one in found.objects] == [True, False]


def test_a_view_that_tells_no_total_is_readable_and_uncounted() -> None:
    found = check({"contacts/view/101": page("contacts", None)})
    assert (found.problems, found.objects[0].records, found.objects[0].is_readable) == ((), None, True)


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("contacts/filters", json_reply({"meta": {}})),
        ("contacts/filters", json_reply({"filters": [{"id": "7", "name": "All Contacts"}]})),
        ("contacts/filters", json_reply([1])),
        ("contacts/view/101", json_reply({"users": [], "meta": {"total": 5}})),
        ("selector/owners", json_reply({"owners": []})),
    ],
)
def test_an_answer_without_its_envelope_is_a_problem_and_not_an_empty_object(
    path: str, reply: httpx.Response
) -> None:
    found = check({path: reply})
    assert (only_problem(found).reason, found.exit_code) == ("malformed_page", 4)


def test_a_web_page_for_one_object_leaves_the_others_checked() -> None:
    found = check({"contacts/filters": httpx.Response(200, html="<html>Maintenance</html>")})
    assert (only_problem(found).reason, found.exit_code, found.objects[1].records) == (
        "malformed_answer",
        4,
        50,
    )


def test_owners_out_of_sight_do_not_hide_the_rest() -> None:
    found = check({"selector/owners": json_reply(status=403)})
    assert (only_problem(found).object, found.owners, found.objects[0].records) == ("owners", None, 350)
