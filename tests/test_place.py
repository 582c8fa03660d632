"""Where a warehouse is said to be: the file or the host, and no word of who logs in there."""

from __future__ import annotations

from pathlib import Path

import pytest

from freshsales_source.settings.account import parse_domain
from freshsales_source.warehouse.place import place_of
from freshsales_source.warehouse.warehouse import Target, Warehouse


@pytest.mark.parametrize(
    ("destination", "credentials", "place"),
    [
        ("postgres", "postgresql://me:s3cret@db.example.com:5433/crm", "postgres at db.example.com"),
        ("postgres", "postgresql://me:s3c@ret@db.example.com/crm", "postgres"),
        ("postgres", "postgresql://me:s3cret@%2Frun%2Fpg:5432/crm", "postgres"),
        ("sqlite", "sqlite:////data/crm.db", "sqlite file /data/crm__sales.db"),
        ("sqlite", "sqlite:///:memory:", "sqlite"),
        ("filesystem", "", "filesystem"),
    ],
)
def test_a_place_is_a_file_or_a_host_and_never_tells_who_logs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str, credentials: str, place: str
) -> None:
    monkeypatch.setenv(f"DESTINATION__{destination.upper()}__CREDENTIALS", credentials)
    target = Target(destination=destination, dataset="sales", pipelines_dir=tmp_path)
    assert place_of(Warehouse(target, parse_domain("acme"))) == place
