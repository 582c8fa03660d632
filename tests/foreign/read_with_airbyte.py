"""Reads an account with Airbyte's own manifest and prints the ids of every stream as JSON.

    python read_with_airbyte.py 127.0.0.1:8900 demo-key

Runs in an environment that has airbyte-cdk and airbyte-source-freshsales, not in the project's. The manifest
is taken as it lies in the wheel, except for `https://`, which a server on this machine does not speak. What
is run are the commands that Airbyte runs: check, discover, read.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

# The command of airbyte-cdk that runs any manifest.
RUNNER = Path(sys.executable).with_name("source-declarative-manifest")
ADDRESS = "url_base: https://"
KEYS = {"CONNECTION_STATUS": "connectionStatus", "CATALOG": "catalog", "RECORD": "record"}


def main(host: str, key: str) -> None:
    """Check the connection, discover the streams, read each of them once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "manifest.yaml").write_text(manifest(), encoding="utf-8")
        config = written(folder / "config.json", {"domain_name": host, "api_key": key})
        (status,) = messages("CONNECTION_STATUS", run(folder, "check", "--config", config))
        if status["status"] != "SUCCEEDED":
            sys.exit(f"check: {status}")
        (catalog,) = messages("CATALOG", run(folder, "discover", "--config", config))
        chosen = written(folder / "catalog.json", {"streams": [whole(each) for each in catalog["streams"]]})
        read = run(folder, "read", "--config", config, "--catalog", chosen)
    ids: dict[str, list[int]] = {stream["name"]: [] for stream in catalog["streams"]}
    for record in messages("RECORD", read):
        ids[record["stream"]].append(record["data"]["id"])
    json.dump(ids, sys.stdout)


def manifest() -> str:
    """Return the manifest of the installed package with the address changed to http."""
    spec = importlib.util.find_spec("source_freshsales")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("airbyte-source-freshsales is not installed here")
    text = (Path(spec.submodule_search_locations[0]) / "manifest.yaml").read_text(encoding="utf-8")
    if text.count(ADDRESS) != 1:
        sys.exit("the manifest has another form than the one this script knows")
    return text.replace(ADDRESS, ADDRESS.replace("https", "http"))


def run(folder: Path, *arguments: str) -> list[Message]:
    """Run one of Airbyte's commands and return its messages."""
    command = [str(RUNNER), *arguments, "--manifest-path", str(folder / "manifest.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{arguments[0]}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def messages(kind: str, said: list[Message]) -> list[Message]:
    """Return what the messages of one kind carry; ends the script when one tells of an error."""
    for each in said:
        is_failure = each["type"] == "TRACE" and each["trace"]["type"] == "ERROR"
        if is_failure or (each["type"] == "LOG" and each["log"]["level"] in ("ERROR", "FATAL")):
            sys.exit(json.dumps(each)[-2000:])
    return [each[KEYS[kind]] for each in said if each["type"] == kind]


def whole(stream: Message) -> Message:
    """Return one stream as a catalog chooses it: all of it, appended."""
    return {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}


def written(path: Path, content: Message) -> str:
    """Write JSON to a file and return its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
