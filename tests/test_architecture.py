"""The shape of the package, as rules no change breaks by accident: who may import whom, and house style."""

import ast
import fnmatch
import io
import re
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "freshsales_source"

# THE TABLES. Names are modules or packages directly under freshsales_source; ROOT_MODULE is its __init__.py.
ROOT_MODULE = "__init__"

# Each layer imports from itself and from those above it in this list, never from those below. A new module
# gets its place here.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("census", "emulator", "exit_codes", "plural", "redact", "walk"),
    ("errors",),
    ("clock", "schema"),
    ("entities", "marts"),
    ("settings",),
    ("api", "decode"),
    ("pages",),
    ("state",),
    ("warehouse",),
    ("discovery", "run"),
    ("reading", "probe"),
    ("feeds",),
    ("resources",),
    ("source",),
    (ROOT_MODULE,),
    ("sync",),
    ("catalogue", "report"),
    ("cli", "__main__"),
)

# Packages that import nothing of this project but themselves: walk and census are pure, so that thousands of cases
# run in seconds; the emulator is written from what the API does, so that it can't share our mistakes.
ISLANDS = ("walk", "census", "emulator")

# The emulator serves tests and the demo. Only these import it, and only inside functions.
EMULATOR_GUESTS = ("cli",)

# Who may import which distribution: a package, or one module of a package; others may not.
THIRD_PARTY: dict[str, tuple[str, ...]] = {
    "httpx": (
        "api.answer_body",
        "api.client",
        "api.failures",
        "api.retry",
        "api.throttle",
        "discovery.check",
        "sync.notification",
    ),
    "dlt": ("resources", "source", "sync.syncing", "warehouse"),
    "pyarrow": ("decode", "feeds", "pages.paging", "reading", "resources", "warehouse"),
    "duckdb": ("cli", "warehouse.duckdb_connections"),
    "orjson": ("api.client", "decode", "emulator", "pages.paging", "schema.fields", "settings.config"),
    "rich": ("cli",),
    "sqlalchemy": ("warehouse.sqlite_client",),
    "sqlglot": ("marts.macros", "marts.rendering", "warehouse.mart_views"),
    "yaml": ("marts.metrics",),
}

VAGUE_NAMES = ("utils", "util", "helpers", "helper", "common", "misc")
LONGEST_MODULE = 400
MOST_TYPE_IGNORES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import statement's target: `name` is dotted; `is_lazy` when it stands inside a function."""

    name: str
    line: int
    is_lazy: bool


@dataclass(frozen=True, kw_only=True)
class Module:
    """One source file of the package; `name` is dotted, relative to the package."""

    name: str
    path: Path

    @property
    def top(self) -> str:
        return self.name.split(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), filename=str(self.path))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(imports_of(self.tree, is_lazy=False))


def imports_of(node: ast.AST, *, is_lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(name=alias.name, line=child.lineno, is_lazy=is_lazy)
        elif isinstance(child, ast.ImportFrom):
            start = "." * child.level + (child.module or "")
            for alias in child.names:
                yield Import(name=f"{start}.{alias.name}", line=child.lineno, is_lazy=is_lazy)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports_of(child, is_lazy=is_lazy or inside)


@cache
def modules_of(package: Path) -> dict[str, Module]:
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) > 1:
            parts = parts[:-1]
        modules[".".join(parts)] = Module(name=".".join(parts), path=path)
    return modules


def target_of(imported: Import, modules: dict[str, Module]) -> str | None:
    """Return the module of this package that the import reaches; None for anything outside the package."""
    if imported.name.split(".")[0] != PACKAGE:
        return None
    parts = imported.name.split(".")[1:]
    while parts:
        if ".".join(parts) in modules:
            return ".".join(parts)
        parts = parts[:-1]
    return ROOT_MODULE


def broken_rules(package: Path) -> Iterator[str]:
    """Yield one sentence for each import that breaks a rule of the tables."""
    modules = modules_of(package)
    height = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    for module in modules.values():
        if module.top not in height:
            yield f"{module.name} has no place in LAYERS (tests/test_architecture.py)"
        for imported in module.imports:
            where = f"{module.name}:{imported.line}"
            target = target_of(imported, modules)
            if imported.name.startswith("."):
                yield f"{where} imports relatively"
            elif target is None:
                yield from broken_by_outside(where, module, imported)
            else:
                yield from broken_by_inside(where, module, imported, target.split(".")[0], height)


def broken_by_outside(where: str, module: Module, imported: Import) -> Iterator[str]:
    distribution = imported.name.split(".")[0]
    if distribution in sys.stdlib_module_names:
        return
    if not {module.top, module.name} & set(THIRD_PARTY.get(distribution, ())):
        yield f"{where} imports {distribution}, which THIRD_PARTY does not give to {module.name}"


def broken_by_inside(
    where: str, module: Module, imported: Import, top: str, height: dict[str, int]
) -> Iterator[str]:
    if module.top == top:
        return
    if module.top in ISLANDS:
        yield f"{where} imports {imported.name}, though {module.top} imports only itself"
    elif top == "emulator" and (module.top not in EMULATOR_GUESTS or not imported.is_lazy):
        yield f"{where} imports the emulator; only {EMULATOR_GUESTS} may, inside functions"
    elif height.get(top, 0) > height.get(module.top, len(LAYERS)):
        yield f"{where} imports {imported.name} from a later layer"


def circle_of_imports(package: Path) -> list[str]:
    """Return the modules of one circle, or an empty list. Lazy imports count: they only hide a circle."""
    modules = modules_of(package)
    graph = {
        name: {target for one in module.imports if (target := target_of(one, modules)) not in (None, name)}
        for name, module in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def project_sources() -> list[Path]:
    folders = [ROOT / name for name in (PACKAGE, "tests", "pipelines", "benchmarks")]
    return [ROOT / "run.py", *(path for folder in folders for path in sorted(folder.rglob("*.py")))]


@cache
def comments() -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"{path.relative_to(ROOT)}:{token.start[0]}", token.string)
        for path in project_sources()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.COMMENT
    )


def undocumented(module: Module) -> Iterator[str]:
    if ast.get_docstring(module.tree) is None:
        yield module.name
    yield from undocumented_inside(module.tree, module.name)


def undocumented_inside(parent: ast.Module | ast.ClassDef, name: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = {ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list}
        if node.name.startswith("_") or decorators & {"overload", "setter", "override"}:
            continue
        if ast.get_docstring(node) is None:
            yield f"{name}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from undocumented_inside(node, f"{name}.{node.name}")


def test_imports_follow_the_tables() -> None:
    assert list(broken_rules(ROOT / PACKAGE)) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_of_imports(ROOT / PACKAGE) == []


def test_no_layer_names_a_module_twice() -> None:
    names = [name for layer in LAYERS for name in layer]
    assert len(names) == len(set(names))
    users = {name for users in THIRD_PARTY.values() for name in users}
    assert users <= {*names, *modules_of(ROOT / PACKAGE)}


def test_files_are_short_and_named_for_one_idea() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in project_sources()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST_MODULE
    }
    vague = [str(path.relative_to(ROOT)) for path in project_sources() if path.stem in VAGUE_NAMES]
    assert (too_long, vague) == ({}, [])


def test_type_ignores_are_few_and_each_gives_its_reason() -> None:
    ignores = [(where, text) for where, text in comments() if re.match(r"#\s*type:\s*ignore", text)]
    unexplained = [
        where for where, text in ignores if not re.match(r"# type: ignore\[[\w, -]+\]  # \w", text)
    ]
    assert unexplained == [], "write `# type: ignore[code]  # the reason`"
    assert len(ignores) <= MOST_TYPE_IGNORES


def test_no_comment_silences_the_linter_or_coverage() -> None:
    silencers = re.compile(r"#\s*(noqa|ruff:|mypy:|pylint:|fmt:\s*(off|skip)|pragma:)", re.IGNORECASE)
    assert [where for where, text in comments() if silencers.match(text)] == []


def test_everything_public_has_a_docstring() -> None:
    assert [name for module in modules_of(ROOT / PACKAGE).values() for name in undocumented(module)] == []


def test_nothing_swallows_every_exception() -> None:
    broad = {"Exception", "BaseException"}
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules_of(ROOT / PACKAGE).values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or broad & {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
        )
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    assert found == [], "catch what you can act on, or raise again"


def package_with(folder: Path, sources: dict[str, str]) -> Path:
    """Write a small package of the same name, to show that the rules bite."""
    package = folder / PACKAGE
    for name, source in {"__init__.py": "", **sources}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    return package


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("walk/engine.py", "import httpx", "walk.engine:1 imports httpx*"),
        ("walk/engine.py", "from freshsales_source import errors", "*though walk imports only itself"),
        ("census/ranks.py", "from freshsales_source import walk", "*though census imports only itself"),
        ("emulator/app.py", "from freshsales_source.errors import A", "*though emulator imports only itself"),
        ("source.py", "def f():\n    import freshsales_source.emulator", "source:2 imports the emulator*"),
        ("cli/demo.py", "from freshsales_source import emulator", "cli.demo:1 imports the emulator*"),
        ("api/client.py", "from freshsales_source.source import freshsales", "*from a later layer"),
        ("api/client.py", "from freshsales_source import freshsales", "*from a later layer"),
        ("api/client.py", "import requests", "*imports requests, which*"),
        ("api/client.py", "from .errors import A", "*imports relatively"),
        ("gadget.py", "", "gadget has no place in LAYERS*"),
    ],
)
def test_each_import_rule_bites(tmp_path: Path, name: str, source: str, complaint: str) -> None:
    others = {"errors.py": "", "emulator/__init__.py": "", "source.py": ""}
    package = package_with(tmp_path, {**others, name: source})
    assert [fnmatch.fnmatch(rule, complaint) for rule in broken_rules(package)] == [True]


def test_allowed_imports_pass_and_a_circle_is_seen(tmp_path: Path) -> None:
    sources = {
        "emulator/__init__.py": "",
        "api/client.py": "import httpx\nimport freshsales_source.errors",
        "errors.py": "def f():\n    from freshsales_source.api.client import Client",
        "cli/demo.py": "def f():\n    from freshsales_source.emulator import Emulator",
    }
    package = package_with(tmp_path, sources)
    assert list(broken_rules(package)) == [
        "errors:2 imports freshsales_source.api.client.Client from a later layer"
    ]
    assert set(circle_of_imports(package)) == {"api.client", "errors"}
