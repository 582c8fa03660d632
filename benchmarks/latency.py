"""How well a first sync hides the way to the server: its time against calls x latency / walks in flight."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from statistics import median

from benchmarks.account_process import AccountProcess
from benchmarks.aims import Line
from benchmarks.measured import measure, seconds_of

WALKS = 4


def measured(quick: bool) -> Iterator[Line]:
    """One line: four lists of equal length, walked at the same time."""
    latency_s, pages, rounds = (0.3, 8, 1) if quick else (0.3, 200, 2)
    lists = ("contacts", "sales_accounts", "open_deals", "won_deals")
    runs = []
    with AccountProcess(dict.fromkeys(lists, pages * 100), latency_s=latency_s) as account:
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                objects = ["contacts", "sales_accounts", "deals"]
                runs.append(
                    measure(
                        "benchmarks.syncs:first_sync",
                        folder=folder,
                        url=account.url,
                        objects=objects,
                        concurrency=WALKS,
                    )
                )
    shares = [run.value["calls"] * latency_s / WALKS / run.wall_s for run in runs]
    share = median(shares)
    matched = all(set(run.value["verdicts"].values()) == {"matched"} for run in runs)
    yield Line(
        key="latency",
        reached=f"{share:.0%}",
        holds=share >= 0.9 and matched,
        detail={
            "latency_s": latency_s,
            "walks": WALKS,
            "calls": runs[-1].value["calls"],
            "shares": [round(one, 3) for one in shares],
            "verdicts": runs[-1].value["verdicts"],
            **seconds_of(runs),
        },
    )
