"""What tests of tasks, appointments, activities and products share: a small account, and how its rows must look.

Rows are judged by what the account would serve now (`Emulator.served`), read off by a reader that shares no code with
the connector.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import dlt
import httpx

from freshsales_source.emulator import Emulator, Switches, generate_company
from freshsales_source.entities import entity
from freshsales_source.errors import CallCeilingReached, QuotaExhausted
from freshsales_source.resources.entity_resource import SharedRun
from freshsales_source.run import Run
from freshsales_source.source import source_resources
from freshsales_source.sync.syncing import ours_unwrapped
from tests.connector import ALL_PIPELINES, Connector, emulate
from tests.fake_clock import FakeClock
from tests.warehouse_reader import Row, WarehouseReader, read_off

Wire: TypeAlias = dict[str, Any]

PLANNED = ("tasks", "appointments")
WATCHED = {"tasks": "open", "appointments": "upcoming"}
OURS = {"_synced_at", "_deleted_reason", "_deleted_at"}
NO_COLUMN = {
    *("links", "custom_field", "targetable", "targetables", "targetables_with_email", "user_ids"),
    *("appointment_attendee_ids", "product_pricings"),
}
"""Keys of rows that become tables of their own, or columns of another name."""


def small_company(
    *,
    tasks: int = 0,
    appointments: int = 0,
    activities: int = 0,
    products: int = 0,
    leads: int = 0,
    seed: int = 1,
    switches: Switches = ALL_PIPELINES,
) -> Emulator:
    """An account of a few contacts, accounts and deals, in which nothing happens by itself."""
    clock = FakeClock()
    store = generate_company(
        clock,
        seed=seed,
        accounts=3,
        contacts=6,
        deals=5,
        in_bin=0,
        tasks=tasks,
        appointments=appointments,
        activities=activities,
        products=products,
        leads=leads,
    )
    return emulate(store, clock, switches)


def listed_ids(emulator: Emulator, object_name: str, **query: str) -> list[int]:
    """The ids that a list of the account shows now, asked for past the connector; it is in no log of the emulator."""
    before, emulator.before_request = emulator.before_request, None
    asked = len(emulator.log)
    ids: list[int] = []
    transport = httpx.WSGITransport(app=emulator.wsgi)
    headers = {"Authorization": f"Token token={emulator.api_key}"}
    with httpx.Client(
        transport=transport, base_url="http://127.0.0.1/crm/sales/api", headers=headers
    ) as browser:
        for page in range(1, 100):
            answer = browser.get(entity(object_name).path, params={"page": page, "per_page": 100, **query})
            found = [row["id"] for row in answer.json()[object_name]] if answer.status_code == 200 else []
            if not set(found) - set(ids):
                break
            ids += found
    del emulator.log[asked:]
    emulator.before_request = before
    return ids


# What must stand in the warehouse


def assert_rows(emulator: Emulator, reader: WarehouseReader, object_name: str, ids: Iterable[int]) -> None:
    """The rows with these ids, and their lists, are what the account would serve now."""
    rows = reader.by_id(object_name)
    for id_ in ids:
        served = emulator.served(object_name, id_, ",".join(entity(object_name).include))
        assert not differences(rows[id_], wanted(served)), (object_name, id_)
    assert_lists(emulator, reader, object_name, set(ids))


def differences(row: Row, record: Row) -> dict[str, tuple[Any, Any]]:
    """The columns whose value is not the record's, with both values."""
    missing = {key for key in record if key not in row}
    assert not missing, f"no column for {sorted(missing)}"
    return {
        column: (value, record.get(column))
        for column, value in row.items()
        if column not in OURS and value != record.get(column)
    }


def wanted(record: Wire) -> Row:
    """A live record as its row must be."""
    row = {key: read_off(value) for key, value in record.items() if key not in NO_COLUMN}
    row |= {key: read_off(value) for key, value in (record.get("custom_field") or {}).items()}
    row |= {f"targetable_{key}": value for key, value in (record.get("targetable") or {}).items()}
    return {"is_deleted": False, **row}


def assert_lists(emulator: Emulator, reader: WarehouseReader, object_name: str, ids: set[int]) -> None:
    """The child tables hold, for these records, exactly what their lists hold."""
    key = entity(object_name).foreign_key
    for name, elements in lists_of(emulator, object_name, ids).items():
        found = [without_ours(row) for row in reader.rows(f"{object_name}__{name}") if row[key] in ids]
        columns = reader.columns(f"{object_name}__{name}").keys() - {"_synced_at", "_is_emptied"}
        full = [{**dict.fromkeys(columns), **element} for element in elements]
        assert in_order(found) == in_order(full), name


def lists_of(emulator: Emulator, object_name: str, ids: set[int]) -> dict[str, list[Row]]:
    """The rows that the child tables of these records must have, by the name of the list."""
    store, key = emulator.store, entity(object_name).foreign_key
    records = {id_: store.record(object_name, id_) for id_ in sorted(ids)}

    def placed(parts: dict[int, list[Row]]) -> list[Row]:
        return [
            {key: id_, "position": n, **part} for id_, rows in parts.items() for n, part in enumerate(rows)
        ]

    found: dict[str, list[Row]] = {}
    if object_name in PLANNED:
        found["targetables"] = placed(
            {
                id_: [{"target_id": t["id"], "target_type": t["type"]} for t in record["targetables"]]
                for id_, record in records.items()
            }
        )
    match object_name:
        case "tasks":
            found["users"] = [
                {key: id_, "user_id": user}
                for id_, record in records.items()
                for user in record.get("user_ids", ())
            ]
        case "appointments":
            found["attendees"] = placed({id_: attendees(record) for id_, record in records.items()})
        case "products":
            found["pricings"] = placed(
                {
                    id_: [{k: read_off(v) for k, v in price.items()} for price in record["product_pricings"]]
                    for id_, record in records.items()
                }
            )
    return found


def attendees(record: Wire) -> list[Row]:
    """The attendees of an appointment as rows."""
    return [
        {"id": each["id"], "attendee_type": each["attendee"]["type"], "attendee_id": each["attendee"]["id"]}
        for each in record.get("appointment_attendees", ())
    ]


def without_ours(row: Row) -> Row:
    """The row of a child table without the connector's own columns."""
    return {key: value for key, value in row.items() if key not in ("_synced_at", "_is_emptied")}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows in an order of their own, in which equal numbers are equal."""
    return sorted(rows, key=lambda row: [(key, hash(row[key])) for key in sorted(row)])


# What went over the wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A record that was asked for alone (no filter) or came in a list: in which request, at what time."""

    request: int
    at: float
    filter: str


class Witness(httpx.BaseTransport):
    """Passes requests on to an account and notes which tasks and appointments their answers showed.

    A first page asked for once more is left out, and so is the last page that a server repeats behind the end: they
    measure the list, and what they show is not read.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.seen: dict[str, dict[int, list[Sighting]]] = {name: {} for name in PLANNED}
        self._emulator = emulator
        self._transport = httpx.WSGITransport(app=emulator.wsgi)
        self._begun: set[str] = set()
        self._shown: dict[str, set[int]] = {}

    def of_a_new_run(self) -> Witness:
        """This witness, for the client of another run."""
        self._begun.clear()
        self._shown.clear()
        return self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on; note the records that come back."""
        with self._emulator.store.lock:
            response = self._transport.handle_request(request)
            body = response.read()
            number, at = len(self._emulator.log), self._emulator.clock.monotonic()
        name, _, id_ = request.url.path.partition("/api/")[2].partition("/")
        if name not in PLANNED or response.status_code not in (200, 404):
            return response
        filter_ = request.url.params.get("filter", "") if not id_ else ""
        sighting = Sighting(request=number, at=at, filter=filter_)
        for record in [int(id_)] if id_ else self._listed(request, json.loads(body).get(name, [])):
            self.seen[name].setdefault(record, []).append(sighting)
        return response

    def _listed(self, request: httpx.Request, rows: list[Wire]) -> list[int]:
        if request.url.params["page"] == "1":
            address = str(request.url)
            if address in self._begun:
                return []
            self._begun.add(address)
        ids = [int(row["id"]) for row in rows]
        filter_ = request.url.params["filter"]
        shown = self._shown.setdefault(filter_, set())
        is_repeated = request.url.params["page"] != "1" and shown.issuperset(ids)
        shown.update(ids)
        return [] if is_repeated else ids


# Plain dlt


def load_plainly(connector: Connector, **flags: Any) -> None:
    """One plain dlt run over the account, in process, into a dataset of its own."""
    settings = connector.settings(**flags)
    shared = SharedRun(
        lambda: Run(
            settings, connector.client(settings), connector.clock, keeps=(CallCeilingReached, QuotaExhausted)
        )
    )

    @dlt.source(name="freshsales", section="freshsales")
    def freshsales() -> Any:
        return source_resources(settings, shared, in_slices=False)

    pipeline = dlt.pipeline(
        "plain",
        pipelines_dir=str(connector.folder / "plain"),
        destination=dlt.destinations.duckdb(str(plain_file(connector))),
        dataset_name="freshsales",
    )
    with ours_unwrapped():
        pipeline.run(freshsales())


def plain_file(connector: Connector) -> Path:
    """The DuckDB file of plain dlt runs."""
    return connector.folder / "plain.duckdb"


def live(emulator: Emulator, object_name: str) -> list[int]:
    """The ids of the live records of an object."""
    return sorted(int(record["id"]) for record in emulator.store.live(object_name))


def all_ids(emulator: Emulator, object_name: str) -> list[int]:
    """The same with what is in the recycle bin."""
    return sorted(
        int(r["id"]) for r in [*emulator.store.live(object_name), *emulator.store.binned(object_name)]
    )


def switch(emulator: Emulator, **positions: Any) -> None:
    emulator.switches = replace(emulator.switches, **positions)


def open_tasks(emulator: Emulator) -> list[int]:
    return listed_ids(emulator, "tasks", filter="open")


def upcoming(emulator: Emulator) -> list[int]:
    return listed_ids(emulator, "appointments", filter="upcoming")
