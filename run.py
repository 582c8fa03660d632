#!/usr/bin/env python3
"""Set up this checkout and run one thing in it: needs python3 (3.11 or newer) with pip, nothing else.

    python3 run.py demo              a small CRM that runs on this machine, synced to DuckDB and queried
    python3 run.py test [ARGS]       the tests; ARGS go to pytest
    python3 run.py soak [ARGS]       the long random searches; --examples N sets their length
    python3 run.py lint              ruff: rules and format
    python3 run.py types             mypy, strict
    python3 run.py bench [NAME...]   the measurements of benchmarks/README.md: 20 minutes, with --quick one
    python3 run.py picture           for maintainers: the picture of the report in the README
    python3 run.py lock [ARGS]       for maintainers: write the lock files anew with uv, e.g. --upgrade

The first run makes .venv beside this file and installs the packages of requirements.lock (for all but `demo`:
requirements-dev.lock), each checked against its hash. Later runs need no network, until a lock changes.
Exit codes: those of what is run; 1 when the set-up failed, 2 for a wrong command, 130 when interrupted.

For maintainers: the syntax must stay readable for Python 3.6, so that people with an old one get the message
below and no SyntaxError. `.venv/run.json` tells how far a set-up came. A set-up that was cut off is made
anew; a .venv that somebody else made is kept and completed.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(
        f"run.py: this needs Python 3.11 or newer; {sys.executable} is {platform.python_version()}.\n"
        "Start it with a newer one, e.g. `python3.12 run.py demo`. To get one: on Debian or Ubuntu\n"
        "`sudo apt-get install python3 python3-venv`, on macOS `brew install python`."
    )

try:
    import fcntl
except ImportError:
    sys.exit("run.py: this works on Linux and macOS; on Windows, use it inside WSL.")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "run.json"
LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"
# What the tests need beside the packages of the other lock.
DEV_WANTS = ("--group", "dev", "--extra", "postgres", "--extra", "sqlite")
# Two tests at a time; a worker that has none left takes half of what the other one still has.
SIDE_BY_SIDE = ("-n", "2", "--dist", "worksteal")
CHECKED = ("freshsales_source", "tests", "run.py", "pipelines", "benchmarks")

Stamp = dict[str, str]


class SetUpError(Exception):
    """The set-up can't go on; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name; return its exit code where `hand_over` does not end it."""
    commands = {
        "demo": demo,
        "test": test,
        "soak": soak,
        "lint": lint,
        "types": types,
        "bench": bench,
        "picture": picture,
        "lock": lock,
    }
    if arguments and arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if not arguments or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        wrong = f"no command {arguments[0]!r}" if arguments else "no command given"
        say(f"{wrong}; choose one of {', '.join(commands)}")
        return 2
    try:
        return commands[arguments[0]](arguments[1:])
    except SetUpError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the same command again takes up the set-up")
        return 130


def demo(arguments: list[str]) -> int:
    """Run `freshsales demo` in the folder where the user is."""
    prepare(LOCK)
    return hand_over([str(VENV / "bin" / "freshsales"), "demo", *arguments], folder=Path.cwd())


def test(arguments: list[str]) -> int:
    """Run pytest from the root of the checkout."""
    prepare(DEV_LOCK)
    return hand_over([str(PYTHON), "-m", "pytest", *SIDE_BY_SIDE, *arguments], folder=ROOT)


def soak(arguments: list[str]) -> int:
    """Run the tests that are marked as long searches."""
    return test(["--soak", *arguments])


def lint(arguments: list[str]) -> int:
    """Check the rules, then the format; the exit code of the first that fails."""
    prepare(DEV_LOCK)
    ruff = [str(PYTHON), "-m", "ruff"]
    rules = subprocess.run([*ruff, "check", *arguments, "."], cwd=ROOT, env=environment(), check=False)
    return rules.returncode or hand_over([*ruff, "format", "--check", "."], folder=ROOT)


def types(arguments: list[str]) -> int:
    """Check the types of all code that is there."""
    prepare(DEV_LOCK)
    there = [name for name in CHECKED if (ROOT / name).exists()]
    return hand_over([str(PYTHON), "-m", "mypy", *arguments, *there], folder=ROOT)


def bench(arguments: list[str]) -> int:
    """Measure, and keep what was measured."""
    prepare(DEV_LOCK)
    return hand_over([str(PYTHON), "-m", "benchmarks", *arguments], folder=ROOT)


def picture(arguments: list[str]) -> int:
    """Make docs/report.png anew; needs Chromium and the set of deals that the tests use."""
    prepare(DEV_LOCK)
    return hand_over([str(PYTHON), "-m", "tests.report_picture", *arguments], folder=ROOT)


def lock(arguments: list[str]) -> int:
    """Resolve pyproject.toml for every platform and Python into the lock files, naming no host."""
    uv = shutil.which("uv", path=os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", "")]))
    if uv is None:
        raise SetUpError("`lock` needs uv: python3 -m pip install uv")
    options = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-emit-index-url", "--quiet"]
    told = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "python3 run.py lock"}
    for name, more in ((LOCK, []), (DEV_LOCK, [*DEV_WANTS, "--constraint", LOCK])):
        command = [uv, "pip", "compile", "pyproject.toml", *options, *more, *arguments, "--output-file", name]
        subprocess.run(command, cwd=ROOT, env=told, check=True)
    return 0


def prepare(name: str) -> None:
    """Make .venv hold the packages of this lock and the command itself. Returns in milliseconds when it does.

    Two runs at the same time take turns.
    """
    with (ROOT / ".run.lock").open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another run.py is setting up here; waiting for it")
            fcntl.flock(turn, fcntl.LOCK_EX)
        if not is_ready(name):
            set_up(name)


def is_ready(name: str) -> bool:
    """Tell whether .venv was finished for this lock, this pyproject.toml and this folder, and starts."""
    stamp = read_stamp()
    wanted = {"state": "ready", name: digest(name), **identity()}
    return all(stamp.get(key) == value for key, value in wanted.items()) and venv_starts()


def set_up(name: str) -> None:
    """Create or complete .venv for this lock, saying what is done and how long it took."""
    started = time.monotonic()
    if not venv_starts() or read_stamp().get("state") == "building":
        create_venv()
    stamp = read_stamp()
    if stamp:  # made here: until the end, a cut-off leaves "building" behind
        write_stamp({**stamp, "state": "building"})
    install(name)
    pip_install("--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT))
    # The development lock holds the packages of the other one in the same versions (kept by a test).
    kept = {key: value for key, value in stamp.items() if key in (LOCK, DEV_LOCK)}
    done = {lock: digest(lock) for lock in ((LOCK, DEV_LOCK) if name == DEV_LOCK else (LOCK,))}
    write_stamp({**kept, **done, **identity(), "state": "ready"})
    say(f"ready after {time.monotonic() - started:.0f} s; the next start needs neither set-up nor network")


def create_venv() -> None:
    """Make an empty .venv in the place of whatever is there."""
    require_venv_modules()
    if Path(sys.prefix).resolve() == VENV.resolve():
        raise SetUpError(f"{VENV} must be made anew, and is running this: start run.py with another python3")
    if VENV.exists():
        say("removing .venv: an earlier set-up was cut off, or its Python is gone")
        shutil.rmtree(VENV)
    say(f"making .venv with Python {platform.python_version()} ({sys.executable})")
    VENV.mkdir()
    write_stamp({"state": "building"})
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], env=environment(), check=False)
    if made.returncode != 0:
        raise SetUpError("could not make .venv, see the lines above; " + HOW_TO_GET_VENV)


HOW_TO_GET_VENV = """it needs Python's venv and ensurepip modules:
    Debian, Ubuntu:  sudo apt-get install python3-venv
    Fedora:          sudo dnf install python3
    macOS:           brew install python
Then run the same command again."""


def require_venv_modules() -> None:
    """Raise with the name of the package to install when this Python can't make environments.

    Debian splits ensurepip off into python3-venv, and `python3 -m venv` alone says so only half-way.
    """
    command = [sys.executable, "-c", "import ensurepip, venv"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        reason = (found.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SetUpError(f"this Python can't make a virtual environment ({reason});\n{HOW_TO_GET_VENV}")


def install(name: str) -> None:
    """Install what the lock names, refusing every file whose hash it does not hold."""
    packages = sum(1 for line in (ROOT / name).read_text().splitlines() if "==" in line)
    say(f"installing {packages} packages of {name}, each checked against its hash; one to three minutes")
    pip_install("--require-hashes", "--requirement", str(ROOT / name), total=packages)


def pip_install(*arguments: str, total: int = 0) -> None:
    """Run pip in .venv; on a terminal show how many of `total` packages it has reached.

    pip's own words are shown only when it fails: they are many, and name the machine.
    """
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *arguments]
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=environment(),
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as pip:
        for line in pip.stdout or ():
            lines.append(line)
            if total and line.startswith("Collecting ") and sys.stderr.isatty():
                reached = sum(1 for seen in lines if seen.startswith("Collecting "))
                print(f"\r\033[K  {reached}/{total} {line.split()[1]}", end="", file=sys.stderr, flush=True)
    if total and sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if pip.returncode != 0:
        print("".join(lines[-30:]), file=sys.stderr)
        raise SetUpError(
            "pip failed, see its last lines above. Without network, set pip's proxy or index as your\n"
            "organisation asks (pip config), then run the same command again."
        )


def venv_starts() -> bool:
    """Tell whether the Python of .venv runs and has pip: a system upgrade may have taken its base away."""
    if not os.access(PYTHON, os.X_OK):
        return False
    code = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    tried = subprocess.run([str(PYTHON), "-c", code], env=environment(), capture_output=True, check=False)
    return tried.returncode == 0


def identity() -> Stamp:
    """Return what else a set-up depends on: the project's metadata, and the folder that scripts name."""
    return {"pyproject.toml": digest("pyproject.toml"), "folder": str(ROOT)}


def digest(name: str) -> str:
    """Return the SHA-256 of a file of the checkout."""
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def read_stamp() -> Stamp:
    """Return how far the last set-up came; empty when there was none, or .venv comes from elsewhere."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in stamp.items()} if isinstance(stamp, dict) else {}


def write_stamp(stamp: Stamp) -> None:
    """Replace the stamp in one step."""
    new = STAMP.with_suffix(".new")
    new.write_text(json.dumps(stamp, indent=2) + "\n")
    new.replace(STAMP)


def environment() -> dict[str, str]:
    """Return the user's environment less what would lead .venv's Python astray, with dlt's telemetry off."""
    strays = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__", "PIP_TARGET", "PIP_PREFIX")
    ours = {
        "VIRTUAL_ENV": str(VENV),
        "PATH": os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)]),
        "PIP_USER": "0",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    return {**{key: value for key, value in os.environ.items() if key not in strays}, **ours}


def hand_over(command: list[str], folder: Path) -> int:
    """Become the command, so that Ctrl-C, the terminal and the exit code are its own. Does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder)
    os.execve(command[0], command, environment())


def say(text: str) -> None:
    """Tell the user on stderr: stdout belongs to what is run."""
    print(f"run.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
