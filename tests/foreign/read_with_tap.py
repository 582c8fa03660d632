"""Reads an account with tap-freshsales, a Singer tap, and prints the ids of every stream as JSON.

    python read_with_tap.py 127.0.0.1:8900 demo-key

Runs in an environment that has tap-freshsales, not in the project's. The tap is left as it is, except that
its address speaks http to this machine, and that it does not wait two seconds before each call.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import sys
from typing import Any

# The tap writes these records under another name than their schema.
MISSPELT = {"sale_activities": "sales_activities"}


def main(host: str, key: str) -> None:
    """Discover every stream, sync them all, and collect the records that the tap writes."""
    logging.disable(logging.INFO)
    tap: Any = importlib.import_module("tap_freshsales")
    tap.BASE_URL = "http://{}"
    tap.request = tap.request.__wrapped__
    config = {"domain": host, "api_key": key, "start_date": "1970-01-01T00:00:00Z"}
    tap.CONFIG.update(config)
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        tap.sync(config, {}, tap.discover())
    ids: dict[str, list[int]] = {}
    for line in written.getvalue().splitlines():
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            ids[message["stream"]] = []
        elif message["type"] == "RECORD":
            stream = MISSPELT.get(message["stream"], message["stream"])
            ids[stream].append(message["record"]["id"])
    json.dump(ids, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
