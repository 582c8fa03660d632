"""A process that makes calls as fast as the budget lets it: `python -m tests.spender URL KEY BUDGET_FILE LIMITS CALLS`.

Four workers share one client; each makes CALLS calls. What it prints, a JSON object, tells how long it waited.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from freshsales_source.api.client import build_client
from freshsales_source.clock import SystemClock
from freshsales_source.settings.config import read_settings

WORKERS = 4


def main(url: str, key: str, budget_file: str, limits: str, calls: str) -> None:
    """Make the calls."""
    settings = read_settings(
        flags={
            "domain": url,
            "api_key": key,
            "budget_store": Path(budget_file),
            "rate_limits": json.loads(limits),
            "reserve": 0.1,
        }
    )
    with build_client(settings, clock=SystemClock()) as client:

        def work() -> None:
            for _ in range(int(calls)):
                client.get("contacts/filters")

        workers = [threading.Thread(target=work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        usage = client.usage()
    sys.stdout.write(json.dumps({"calls": usage.calls, "waited_s": usage.waited_s}))


if __name__ == "__main__":
    main(*sys.argv[1:])
