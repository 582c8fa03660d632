"""What a stranger downloads: the locks, the wheel, run.py on any machine, and files that name no machine."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_architecture import PACKAGE, ROOT, THIRD_PARTY

LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Declared, though no module of ours imports them; pyproject.toml says why.
NEVER_IMPORTED = {"tzdata"}
# Imported where an extra is asked for.
OF_EXTRAS = {"sqlalchemy"}
# Packages that are imported by another name than they are installed by.
IMPORTED_AS = {"pyyaml": "yaml"}


def declared() -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    return {requirement.name: requirement for requirement in requirements}


def locked(lock: str) -> dict[str, tuple[str, ...]]:
    """Return the pinned versions of each package: one, or one for each marker."""
    versions: dict[str, tuple[str, ...]] = {}
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        if pinned := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line):
            name = canonicalize_name(pinned[1])
            versions[name] = (*versions.get(name, ()), pinned[2])
    return versions


def files_of_the_project() -> list[Path]:
    """Return what git tracks or would add; outside of git, what is not made by tools."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
            "\0"
        )
    except (OSError, subprocess.CalledProcessError):
        listed = []
    if "run.py" in listed:
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    made = re.compile(r"\.git|\.venv|\..*_cache|\.hypothesis|__pycache__|build|dist|.*\.egg-info")
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(made.fullmatch(part) for part in path.relative_to(ROOT).parts)
    ]


def lines_with(pattern: str) -> list[str]:
    found = []
    for path in files_of_the_project():
        text = path.read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if match := re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_each_package_of_a_lock_has_its_hashes_and_nothing_names_a_place(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE)
    entry = r"[a-z0-9.-]+==[\w.+]+( ; [^\n\\]+)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n)+"
    assert re.sub(entry, "", pins) == "", "a line is neither a pin with hashes nor a comment"
    assert "/" not in text.replace("python3 run.py lock", "").replace("(pyproject.toml:dev)", "")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_dependency_inside_its_bounds(lock: str) -> None:
    wanted = list(declared().values())
    if lock == "requirements-dev.lock":
        wanted += [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]
    pins = locked(lock)
    loose = [
        str(requirement)
        for requirement in wanted
        if not all(requirement.specifier.contains(pin) for pin in pins.get(requirement.name, ("none",)))
    ]
    assert loose == [], "run `python3 run.py lock`"


def test_the_development_lock_holds_the_other_one_unchanged() -> None:
    runtime, development = (locked(lock) for lock in LOCKS)
    assert {name: development.get(name) for name in runtime} == runtime


def test_the_bounds_keep_what_is_known_to_work() -> None:
    bounds = declared()
    assert not bounds["sqlglot"].specifier.contains("30.22.0")
    assert bounds["dlt"].extras == {"duckdb", "parquet"}
    assert not bounds["dlt"].specifier.contains("1.32.0")
    assert all(bounds["duckdb"].specifier.contains(version) for version in ("1.5.6", "2.0.0"))


def test_what_the_package_may_import_is_what_it_declares() -> None:
    imported = {IMPORTED_AS.get(name, name) for name in declared()}
    assert imported - NEVER_IMPORTED == set(THIRD_PARTY) - OF_EXTRAS


def test_the_wheel_holds_the_whole_package_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / PACKAGE, source / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    command = [*build, "--wheel-dir", str(tmp_path), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        entry_points = wheel.read(f"{PACKAGE}-{PROJECT['project']['version']}.dist-info/entry_points.txt")
    tree = [path.relative_to(ROOT) for path in files_of_the_project() if path.is_relative_to(ROOT / PACKAGE)]
    assert names == {path.as_posix() for path in tree}
    assert f"{PACKAGE}/py.typed" in names
    assert b"freshsales = freshsales_source.cli:main" in entry_points


def test_no_file_names_a_package_registry_or_how_to_reach_one() -> None:
    hosts = r"py[p]i\.org|python[h]osted|npm[j]s|deb[.]debian|debian[.]org"
    options = r"--(?:extra-)?inde[x]-url|--fin[d]-links"
    assert lines_with(f"{hosts}|{options}") == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    own = [str(Path.home()), str(ROOT), str(ROOT.parent / "shared")]
    homes = [r"/(?:home|Users)/[\w.-]+", r"(?<![\w.])/roo[t]/"]
    named = [rf"{re.escape(path)}\b" for path in own if path.count("/") > 1]
    assert lines_with("|".join([*homes, *named])) == []


def test_secrets_and_what_tools_make_stay_out_of_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/.dlt/secrets.toml", "/.venv/", "/uv.lock", "*.duckdb"} <= set(ignored)


def test_dlt_sends_no_telemetry_from_here() -> None:
    config = tomllib.loads((ROOT / ".dlt" / "config.toml").read_text(encoding="utf-8"))
    assert config["runtime"]["dlthub_telemetry"] is False
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"


def test_ci_is_a_program_that_bash_understands() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)


# A project with its own small build backend: run.py sets it up for real, without network and in seconds.
SMALL_PROJECT = """
[build-system]
requires = []
build-backend = "small_backend"
backend-path = ["."]
[project]
name = "small"
version = "1"
"""
SMALL_BACKEND = """
import sys, zipfile
def build_editable(folder, settings=None, metadata=None):
    name, info = "small-1-py3-none-any.whl", "small-1.dist-info/"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("small.py", "import sys\\ndef main(): print('demo', *sys.argv[2:]); return 7\\n")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\nfreshsales = small:main\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""


def checkout_in(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(ROOT / "run.py", folder)
    (folder / "pyproject.toml").write_text(SMALL_PROJECT)
    (folder / "small_backend.py").write_text(SMALL_BACKEND)
    for lock in LOCKS:
        (folder / lock).write_text("# no packages\n")
    return folder


class FirstRuns(NamedTuple):
    """A new checkout: `failed` could not install, `repaired` came after it. Each test leaves it set up."""

    folder: Path
    failed: subprocess.CompletedProcess[str]
    repaired: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def first_runs(tmp_path_factory: pytest.TempPathFactory) -> FirstRuns:
    folder = checkout_in(tmp_path_factory.mktemp("small") / "checkout")
    lock = folder / "requirements.lock"
    lock.write_text("absent-package==1 --hash=sha256:" + "0" * 64 + "\n")
    failed = run_py(folder, "demo", PIP_NO_INDEX="1")
    lock.write_text("# no packages\n")
    return FirstRuns(folder=folder, failed=failed, repaired=run_py(folder, "demo"))


@pytest.fixture
def checkout(first_runs: FirstRuns) -> Path:
    return first_runs.folder


def run_py(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it from another folder, with the Python that these tests' environment was made from."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return subprocess.run(
        [str(base), str(folder / "run.py"), *arguments],
        cwd=folder.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_finished_set_up_is_used_at_once_and_the_exit_code_is_that_of_the_command(checkout: Path) -> None:
    again = run_py(checkout, "demo", "--rows", "5")
    assert (again.returncode, again.stdout, again.stderr) == (7, "demo --rows 5\n", "")


def test_an_install_that_fails_says_what_to_do(first_runs: FirstRuns) -> None:
    assert first_runs.failed.returncode == 1
    assert "making .venv" in first_runs.failed.stderr
    assert "pip failed, see its last lines above" in first_runs.failed.stderr
    assert "Traceback" not in first_runs.failed.stderr


def test_a_set_up_that_was_cut_off_is_made_anew(first_runs: FirstRuns) -> None:
    assert "removing .venv: an earlier set-up was cut off" in first_runs.repaired.stderr
    assert (first_runs.repaired.returncode, first_runs.repaired.stdout) == (7, "demo\n")


def test_a_changed_lock_is_installed_into_the_venv_that_is_there(checkout: Path) -> None:
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    updated = run_py(checkout, "demo")
    assert updated.returncode == 7
    assert "installing 0 packages of requirements.lock" in updated.stderr
    assert "making .venv" not in updated.stderr


def test_a_venv_that_somebody_else_made_is_completed_and_kept(checkout: Path) -> None:
    (checkout / ".venv" / "run.json").unlink()
    tool = checkout / ".venv" / "a-tool-of-theirs"
    tool.touch()
    completed = run_py(checkout, "demo")
    assert (completed.returncode, tool.exists()) == (7, True)
    assert run_py(checkout, "demo").stderr == ""


def test_a_python_that_went_away_is_replaced(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to(checkout / "gone")
    assert run_py(checkout, "demo").returncode == 7


@pytest.mark.parametrize("missing", ["ensurepip", "venv"])
def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path, missing: str) -> None:
    folder = checkout_in(tmp_path / "checkout")
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    absent = f"raise ModuleNotFoundError('No module named {missing}')\n"
    (shadow / f"{missing}.py").write_text(absent)
    told = run_py(folder, "test", PYTHONPATH=str(shadow))
    assert (told.returncode, told.stdout) == (1, "")
    assert f"No module named {missing}" in told.stderr
    assert "apt-get install python3-venv" in told.stderr
    assert "brew install python" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (folder / ".venv").exists()


def test_a_python_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    """The interpreter is ours under another number; that an older one can read the file is the next test."""
    pretend = "sys.version_info = (3, 8, 18, 'final', 0)"
    old = f"import runpy, sys; {pretend}; runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", old, str(checkout_in(tmp_path / "checkout") / "run.py"), "demo"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert "needs Python 3.11 or newer" in told.stderr
    assert "Traceback" not in told.stderr


def test_an_old_python_can_read_run_py_as_far_as_its_message() -> None:
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_run_py_explains_its_commands(tmp_path: Path) -> None:
    folder = checkout_in(tmp_path / "checkout")
    wrong, bare, asked = run_py(folder, "tests"), run_py(folder), run_py(folder, "--help")
    assert (wrong.returncode, bare.returncode, asked.returncode) == (2, 2, 0)
    assert (
        "no command 'tests'; choose one of demo, test, soak, lint, types, bench, picture, lock"
        in wrong.stderr
    )
    assert "python3 run.py demo" in asked.stdout
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("reasons", "exit_code"),
    [(["../shared is absent", "Chromium is absent"], 0), (["../shared is absent", "no time"], 1)],
)
def test_skips_are_listed_and_only_two_reasons_pass_ci(
    tmp_path: Path, reasons: list[str], exit_code: int
) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = soak\n")
    skips = [f"@pytest.mark.skip({reason!r})\ndef test_{n}(): pass\n" for n, reason in enumerate(reasons)]
    (tmp_path / "test_skips.py").write_text("import pytest\ndef test_passes(): pass\n" + "".join(skips))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "CI": "true"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code, done.stdout
    assert [f"test_skips.py::test_{n}: {reason}" in done.stdout for n, reason in enumerate(reasons)] == [
        True
    ] * 2
