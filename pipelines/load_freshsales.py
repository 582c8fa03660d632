"""The whole source in a dlt pipeline of your own; copy it.

    export FRESHSALES_DOMAIN=acme.myfreshworks.com FRESHSALES_API_KEY=...
    python pipelines/load_freshsales.py

Runs again and again: each run loads what is new, changed or deleted since the last.
"""

import dlt

from freshsales_source import freshsales


def load() -> dlt.Pipeline:
    """Load every object into ./freshsales.duckdb, schema `freshsales`."""
    pipeline = dlt.pipeline("freshsales", destination="duckdb", dataset_name="freshsales")
    print(pipeline.run(freshsales()))
    return pipeline


if __name__ == "__main__":
    load()
