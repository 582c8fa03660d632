"""`freshsales demo`: the main job on a made-up company, without an account: sync, ask, change, sync again."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import duckdb
from rich.console import Console

from freshsales_source.api.client import build_client
from freshsales_source.cli.arguments import DEMO_FILE
from freshsales_source.cli.progress import TerminalProgress
from freshsales_source.cli.tables import output, print_report, print_rows
from freshsales_source.clock import SystemClock
from freshsales_source.errors import ConfigurationError
from freshsales_source.settings.config import Settings, read_settings
from freshsales_source.sync.report import RunReport
from freshsales_source.sync.syncing import Syncing, sync
from freshsales_source.warehouse.warehouse import Target, Warehouse


class _Store(Protocol):
    """What the demo changes: the emulator's store."""

    def live(self, object_name: str) -> Sequence[Mapping[str, Any]]:
        """Records that are not deleted."""
        ...

    def update(self, object_name: str, record_id: int, **fields: Any) -> int:
        """Edit a record."""
        ...

    def delete(self, object_name: str, *ids: int) -> list[int]:
        """Move records to the recycle bin."""
        ...


QUESTIONS = {
    "Open deals by stage": """
        SELECT s.name AS stage, count(*) AS deals, sum(d.amount)::DECIMAL(18, 2) AS amount
        FROM freshsales.deals d JOIN freshsales.deal_stages s ON s.id = d.deal_stage_id
        WHERE NOT d.is_deleted AND s.forecast_type = 'Open'
        GROUP BY s.name ORDER BY deals DESC, stage""",
    "Top owners by won deals": """
        SELECT o.display_name AS owner, count(*) AS won, sum(d.amount)::DECIMAL(18, 2) AS amount
        FROM freshsales.deals d
        JOIN freshsales.deal_stages s ON s.id = d.deal_stage_id
        JOIN freshsales.owners o ON o.id = d.owner_id
        WHERE NOT d.is_deleted AND s.forecast_type = 'Closed Won'
        GROUP BY o.display_name ORDER BY won DESC, owner LIMIT 5""",
    "Won per month, the last six": """
        SELECT strftime(d.closed_date, '%Y-%m') AS month, count(*) AS won
        FROM freshsales.deals d JOIN freshsales.deal_stages s ON s.id = d.deal_stage_id
        WHERE NOT d.is_deleted AND s.forecast_type = 'Closed Won' AND d.closed_date IS NOT NULL
        GROUP BY month ORDER BY month DESC LIMIT 6""",
}

CHANGING = ("contacts", "sales_accounts", "deals")

ARRIVED = """
    SELECT 'contacts' AS "table", id, display_name AS name, is_deleted FROM freshsales.contacts WHERE {since}
    UNION ALL
    SELECT 'sales_accounts', id, name, is_deleted FROM freshsales.sales_accounts WHERE {since}
    UNION ALL
    SELECT 'deals', id, name, is_deleted FROM freshsales.deals WHERE {since}
    ORDER BY 1, 2"""


def run_demo(options: Namespace) -> int:
    """Run the demo; the DuckDB file stays for the user's own questions."""
    path: Path = options.duckdb
    make_room(path)
    with output() as console:
        return _run(path, console)


def make_room(path: Path) -> None:
    """Remove an earlier demo's file, and no other: it may be somebody's warehouse."""
    if path.exists() and path.name != DEMO_FILE.name:
        raise ConfigurationError(
            f"{path} is there already, and the demo makes its file anew",
            remedy="Remove it, or name another with --duckdb.",
        )
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)


def _run(path: Path, console: Console) -> int:
    from freshsales_source.emulator import Emulator, Limits, Switches, generate_company, serve

    clock = SystemClock()
    # A real account may show other pipelines only in a view of their own; here the standard views show all.
    emulator = Emulator(
        generate_company(clock),
        clock=clock,
        api_key="demo-key",
        switches=Switches(deal_views_default_pipeline_only=False),
        limits=Limits.of_plan("growth"),
    )
    console.print("A made-up company, in a Freshsales emulator on this machine: no account, no network.\n")
    with serve(emulator) as server, _scratch() as folder:
        settings = read_settings(
            flags={"domain": server.url, "api_key": "demo-key", "budget_store": folder / "budget.sqlite"}
        )
        warehouse = Warehouse(Target(duckdb=path, pipelines_dir=folder), settings.account)
        first = _sync(settings, warehouse)
        print_report(first, str(path.resolve()), console)
        _show_tables(path, console)
        _show_answers(path, console)
        seen = _newest(path)
        # Stamps are whole seconds: the second sync's must differ from the first's.
        clock.sleep((seen + timedelta(seconds=1) - clock.now()).total_seconds())
        _change(emulator.store)
        console.print("\nNow five records are edited and one is deleted in the CRM; the second sync:\n")
        second = _sync(settings, warehouse)
        print_report(second, str(path.resolve()), console)
        _show_arrivals(path, seen, console)
    _show_next(path, console)
    return max(first.exit_code, second.exit_code, key=int)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for dlt's state and the budget: the demo starts afresh every time."""
    with tempfile.TemporaryDirectory(prefix="freshsales-demo-") as name:
        yield Path(name)


def _sync(settings: Settings, warehouse: Warehouse) -> RunReport:
    clock = SystemClock()
    with TerminalProgress() as progress:
        return sync(
            Syncing(
                settings=settings,
                warehouse=warehouse,
                clock=clock,
                client=lambda: build_client(settings, clock=clock),
                observer=progress,
            )
        )


def _change(store: _Store) -> None:
    """Edit five records and delete a sixth.

    An activity goes with its contact and leaves no trace, which the counts would rightly show: the contact that
    is deleted has none.
    """
    contacts = [int(record["id"]) for record in store.live("contacts")]
    deals = [int(record["id"]) for record in store.live("deals")]
    account = int(store.live("sales_accounts")[0]["id"])
    store.update("contacts", contacts[0], job_title="Head of Purchasing")
    store.update("contacts", contacts[1], city="Reykjavík")
    store.update("sales_accounts", account, phone="+354 555 0199")
    store.update("deals", deals[0], probability=85)
    store.update("deals", deals[1], expected_close=None)
    busy = {record["targetable_id"] for record in store.live("sales_activities")}
    store.delete("contacts", next(contact for contact in contacts[2:] if contact not in busy))


def _show_tables(path: Path, console: Console) -> None:
    with duckdb.connect(str(path), read_only=True) as db:
        names = db.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'freshsales' ORDER BY 1"
        ).fetchall()
        rows = [
            (name, db.execute(f'SELECT count(*) FROM freshsales."{name}"').fetchall()[0][0])
            for (name,) in names
            if not name.startswith("_")
        ]
    console.print()
    print_rows(("table", "rows"), rows, console, "Rows per table")


def _show_answers(path: Path, console: Console) -> None:
    with duckdb.connect(str(path), read_only=True) as db:
        for title, query in QUESTIONS.items():
            console.print()
            _print_query(db, query, title, console)


def _newest(path: Path) -> datetime:
    """When the last row so far was read."""
    tables = " UNION ALL ".join(
        f"SELECT max(_synced_at) AS newest FROM freshsales.{name}" for name in CHANGING
    )
    with duckdb.connect(str(path), read_only=True) as db:
        ((seconds,),) = db.execute(f"SELECT epoch(max(newest)) FROM ({tables})").fetchall()
    return datetime.fromtimestamp(float(seconds), UTC)


def _show_arrivals(path: Path, seen: datetime, console: Console) -> None:
    """The rows that a sync brought after those read at `seen`."""
    since = f"_synced_at > to_timestamp({seen.timestamp()})"
    console.print()
    with duckdb.connect(str(path), read_only=True) as db:
        _print_query(db, ARRIVED.format(since=since), "What the second sync brought", console)


def _print_query(db: duckdb.DuckDBPyConnection, query: str, title: str, console: Console) -> None:
    cursor = db.execute(query)
    headers = [column[0] for column in cursor.description or ()]
    rows = [
        tuple(str(v) if h == "id" else v for h, v in zip(headers, row, strict=True))
        for row in cursor.fetchall()
    ]
    print_rows(headers, rows, console, title)


def _show_next(path: Path, console: Console) -> None:
    console.print(
        f"\nThe tables are yours to query: {path.resolve()}, schema freshsales."
        "\nNext, with an account of your own (Profile settings, API settings shows both values):"
        "\n\n  export FRESHSALES_DOMAIN=acme.myfreshworks.com\n  export FRESHSALES_API_KEY=..."
        "\n  freshsales check\n  freshsales sync"
    )
