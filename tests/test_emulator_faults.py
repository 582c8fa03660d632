from __future__ import annotations

import httpx
import pytest

from freshsales_source.emulator import ConnectionDropped, Fault
from tests.emulator_browser import Browser

PATH = "/contacts/filters"


def test_a_fault_hits_the_requests_it_fits_and_no_others() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="status", status=503, path="*/deals/*", skip=1, times=2))
    assert [browser.get("/deals/filters").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert browser.get(PATH).status_code == 200


def test_a_fault_can_name_a_page_or_a_method() -> None:
    browser = Browser()
    browser.emulator.faults.add(
        Fault(kind="html", status=502, path="*/contacts/view/*page=2*"),
        Fault(kind="status", status=500, method="POST"),
    )
    path = browser.view_path("contacts", "All Contacts")
    assert browser.get(path, page=1).status_code == 200
    broken = browser.get(path, page=2)
    assert (broken.status_code, broken.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert browser.get(path, page=2).status_code == 200
    assert browser.client.post("/filtered_search/contact", json={}).status_code == 500


def test_a_fault_can_name_the_nth_request() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="status", status=500, request=3))
    assert [browser.get(PATH).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_faults_report_whether_they_fired() -> None:
    browser = Browser()
    hit = Fault(kind="status", path="*/contacts/*", times=2)
    missed = Fault(kind="dropped", path="*/deals/*")
    browser.emulator.faults.add(hit, missed)
    browser.get(PATH)
    assert browser.emulator.faults.fired() == [hit]
    assert browser.emulator.faults.unfired() == [hit, missed]
    browser.get(PATH)
    assert browser.emulator.faults.unfired() == [missed]


def test_a_dropped_connection_raises_in_process_and_is_logged() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="dropped"), Fault(kind="dropped", raises=httpx.ReadError("gone")))
    with pytest.raises(ConnectionDropped):
        browser.get(PATH)
    with pytest.raises(httpx.ReadError, match="gone"):
        browser.get(PATH)
    assert [entry.status for entry in browser.emulator.log] == [0, 0]


def test_a_truncated_body_promises_more_than_it_brings() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="truncated"))
    headers = {"Accept-Encoding": "identity"}
    cut, whole = (browser.client.get(PATH, headers=headers) for _ in "ab")
    assert cut.headers["content-length"] == whole.headers["content-length"]
    assert whole.content.startswith(cut.content)
    assert len(cut.content) == len(whole.content) // 2


def test_a_truncated_body_can_raise_what_a_client_would() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="truncated", raises=httpx.RemoteProtocolError("cut")))
    with pytest.raises(httpx.RemoteProtocolError):
        browser.get(PATH)


def test_an_envelope_can_be_missing_or_null() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="no_envelope"), Fault(kind="null_envelope"))
    path = browser.view_path("deals", "Open Deals")
    assert browser.body(path, include="owner").keys() == {"users", "meta"}
    assert browser.body(path)["deals"] is None
    assert browser.body(path)["deals"]


@pytest.mark.parametrize(("kind", "content"), [("not_json", b"this is not JSON {"), ("empty_body", b"")])
def test_a_200_can_have_a_body_that_is_no_json(kind: str, content: bytes) -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="not_json" if kind == "not_json" else "empty_body"))
    answer = browser.get(PATH)
    assert (answer.status_code, answer.content) == (200, content)


def test_a_redirect_points_elsewhere() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="redirect", location="https://login.example/"))
    answer = browser.get(PATH)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://login.example/")


def test_a_slow_answer_is_right_and_waits() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="slow", seconds=90))
    assert browser.get(PATH).status_code == 200
    assert browser.clock.sleeps == [90]


def test_body_and_headers_of_a_fault_replace_the_usual_ones() -> None:
    browser = Browser()
    fault = Fault(kind="status", status=429, body=b"slow down", headers={"Retry-After": "7"})
    browser.emulator.faults.add(fault)
    answer = browser.get(PATH)
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"slow down", "7")


def test_a_fault_can_hit_a_call_that_fails_anyway() -> None:
    browser = Browser()
    browser.emulator.faults.add(Fault(kind="no_envelope", path="*/contacts/1"))
    assert browser.get("/contacts/1").status_code == 404
    assert browser.emulator.faults.unfired() == []
