"""The same contacts and children through a plain dlt `rest_api` configuration, as a user would write it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import dlt
import duckdb
import requests
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource, RESTAPIConfig

from benchmarks.kept_pages import URL, KeptAnswers, RequestsAnswers
from benchmarks.measured import Stopwatch

Disposition = Literal["merge", "append"]
CHILDREN = ("emails", "phone_numbers", "tags", "sales_accounts")


def load(
    stopwatch: Stopwatch,
    *,
    folder: str,
    pages: str,
    disposition: Disposition,
    is_tuned: bool,
    warm_pages: str,
) -> dict[str, Any]:
    """A job: load all kept pages. `is_tuned` means parquet files, uncompressed; else as dlt ships.

    One process normalises, as dlt ships.
    """
    if is_tuned:
        os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    run(Path(folder) / f"warm-{time.monotonic_ns()}", Path(warm_pages), disposition, is_tuned=is_tuned)
    with stopwatch:
        database = run(Path(folder) / "loaded", Path(pages), disposition, is_tuned=is_tuned)
    return {"rows": rows(database, "plain")}


def run(folder: Path, pages: Path, disposition: Disposition, *, is_tuned: bool) -> Path:
    """Load all kept pages into a new DuckDB file, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "warehouse.duckdb"
    pipeline = dlt.pipeline(
        "plain",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="plain",
    )
    kept = KeptAnswers(pages)
    source = rest_api_source(configuration(kept, disposition))
    if is_tuned:
        pipeline.run(source, loader_file_format="parquet")
    else:
        pipeline.run(source)
    return database


def configuration(kept: KeptAnswers, disposition: Disposition) -> RESTAPIConfig:
    """What a user writes. Only the session is ours: it answers from the kept pages."""
    url, _ = next(iter(kept.view_pages("contacts")))
    session = requests.Session()
    session.mount(URL, RequestsAnswers(kept))
    params: dict[str, Any] = {name: value for name, value in parse_qsl(urlsplit(url).query) if name != "page"}
    contacts: EndpointResource = {
        "name": "contacts",
        "endpoint": {"path": urlsplit(url).path, "params": params, "data_selector": "contacts"},
    }
    return {
        "client": {
            "base_url": URL,
            "auth": {
                "type": "api_key",
                "name": "Authorization",
                "api_key": "Token token=demo-key",
                "location": "header",
            },
            "paginator": {"type": "page_number", "base_page": 1, "total_path": "meta.total_pages"},
            "session": session,
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": disposition},
        "resources": [contacts],
    }


def rows(database: Path, dataset: str) -> dict[str, int]:
    """Rows of contacts and of their children in a DuckDB file."""
    with duckdb.connect(str(database), read_only=True) as db:
        there = {name for (name,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        tables = [
            name for name in ("contacts", *(f"contacts__{child}" for child in CHILDREN)) if name in there
        ]
        return {name: _count(db, f"{dataset}.{name}") for name in tables}


def _count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0
