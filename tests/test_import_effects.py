"""Importing the package does nothing: it opens no file, no socket, and starts no thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.test_architecture import PACKAGE, ROOT, package_with

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys, threading
import dlt, duckdb, httpx, orjson, pyarrow, rich.progress  # what they do at import is not ours

package, found = sys.argv[1], []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = (*arguments, None, None, None)[:3]
        writes = any(letter in (mode or "") for letter in "wax+") or bool((flags or 0) & 0x3)
        ours = f"/{package}/" in str(path) and not str(path).endswith((".py", ".pyc"))
        if writes or ours:
            found.append(f"open {path} {mode}")
    elif event.startswith(("socket.", "subprocess.", "sqlite3.", "shutil.", "os.mkdir", "os.remove")):
        found.append(f"{event} {arguments}")

sys.addaudithook(watch)
threads = threading.active_count()
root = importlib.import_module(package)
for module in pkgutil.walk_packages(root.__path__, package + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
if threading.active_count() != threads:
    found.append("a thread was started")
imported = sum(name.startswith(package) for name in sys.modules)
print(json.dumps({"found": found, "imported": imported}))
"""


def import_everything(folder: Path) -> str:
    command = [sys.executable, "-B", "-W", "error", "-c", IMPORT_EVERYTHING, PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_every_module_opens_no_socket_file_or_thread() -> None:
    assert '"found": []' in import_everything(ROOT)


def test_an_import_that_writes_a_file_is_seen(tmp_path: Path) -> None:
    package_with(tmp_path, {"errors.py": "open('left-behind.txt', 'w').close()"})
    assert "open left-behind.txt w" in import_everything(tmp_path)
