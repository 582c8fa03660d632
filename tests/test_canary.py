"""The API key, and the tokens that records carry, reach nothing: searched for in whatever a failing run leaves.

A run leaves two streams, log records (also dlt's and httpx's at DEBUG), exceptions with all they chain, dlt's
folder with its pickled traces, the DuckDB file, the budget. The server is hostile: where it can, it sends the
key back in texts that errors could repeat.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import logging
import re
import signal
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import dlt
import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from freshsales_source import freshsales as freshsales_source
from freshsales_source.emulator import Emulator, Fault, Switches
from tests.command import ALL_PIPELINES, Command, Ran

KEY = "cAnArY/k3y+w1th=0dd&ch4rs%\"and'quotes\\0123456789"
TOKENS = re.compile(rb"(?:convo|auth|jwt)-[0-9a-f]{32}")
BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
WITH_TOKENS = replace(ALL_PIPELINES, volatile_tokens=True)


def forms(key: str) -> Iterator[bytes]:
    """The key as it stands, and in each wrapping it could travel in; base64 also inside a longer text."""
    for text in (key, quote(key), quote(key, safe=""), quote_plus(key), repr(key)[1:-1], html.escape(key)):
        yield from (text.encode(), repr(text)[1:-1].encode(), json.dumps(text)[1:-1].encode())
    yield key.encode().hex().encode()
    for start in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * start + key.encode())[8:-4]


FORMS = tuple(dict.fromkeys(forms(KEY)))


@pytest.fixture
def freshsales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


# What a run leaves


def leaks(*, left: dict[str, bytes]) -> list[str]:
    """Where the key or a token stands."""
    found = [
        f"{place}: the key as {form!r}" for place, data in left.items() for form in FORMS if form in data
    ]
    return found + [f"{place}: a token" for place, data in left.items() if TOKENS.search(data)]


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file with its bytes, unpacked where it is packed; of a DuckDB file also what its tables and views hold."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield str(path.relative_to(folder)), data + unpacked(data)
        if path.suffix == ".duckdb":
            yield f"{path.name} as tables", table_texts(path)


def unpacked(data: bytes) -> bytes:
    """What a packed file holds: gzip, zlib, or the values of a parquet file."""
    if data.startswith(b"PAR1"):
        return repr(parquet.read_table(io.BytesIO(data)).to_pylist()).encode()
    for unpack in (gzip.decompress, zlib.decompress):
        with suppress(OSError, zlib.error, EOFError):
            return unpack(data)
    return b""


def table_texts(path: Path) -> bytes:
    with duckdb.connect(str(path), read_only=True) as db:
        names = db.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        tables = [
            db.execute(f'SELECT * FROM "{path.stem}"."{schema}"."{name}"').fetchall()
            for schema, name in names
        ]
    values = [str(value).encode() for rows in tables for row in rows for value in row]
    # The state and the schemas that dlt keeps in the warehouse are packed, and then written as text.
    packed = [value for value in values if BASE64.fullmatch(value)]
    return b"\n".join([*values, *(unpacked(base64.b64decode(value)) for value in packed)])


def told_by(error: BaseException | None) -> str:
    """All that an exception and whatever it chains can tell: traceback, texts, attributes."""
    texts: list[str] = []
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        texts += [*traceback.format_exception(current), repr(current), str(current), repr(vars(current))]
        waiting += [current.__cause__, current.__context__]
        waiting += [value for value in vars(current).values() if isinstance(value, BaseException)]
    return "\n".join(texts)


@contextmanager
def all_logs_at_debug(trouble: Trouble) -> Iterator[io.StringIO]:
    """What every logger that matters says, formatted without any help of ours.

    httpcore prints the headers of answers at DEBUG: not where a server sends the key back in them.
    """
    screen = io.StringIO()
    handler = logging.StreamHandler(screen)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s %(args)s"))
    names = ["", "dlt", "freshsales_source", "httpx", "urllib3"]
    names += [] if any(fault.headers for fault in trouble.faults) else ["httpcore"]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    logging.getLogger("httpcore").propagate = "httpcore" in names
    try:
        yield screen
    finally:
        logging.getLogger("httpcore").propagate = True
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


# What goes wrong


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One way for a run to fail: what the account does, and what else is set."""

    faults: tuple[Fault, ...] = ()
    switches: Switches = WITH_TOKENS
    environment: tuple[tuple[str, str], ...] = ()
    key_of_the_server: str = KEY
    is_interrupted: bool = False
    is_refused_by_the_warehouse: bool = False


EVERYTHING = (
    *("contacts", "sales_accounts", "deals", "tasks", "appointments", "sales_activities", "products"),
    "custom_modules",
)
"""All objects of which the account has records that carry tokens."""
PAGE = "*/deals/view/*"
HEADERS = {"X-Request-Id": KEY, "Set-Cookie": f"key={KEY}", "X-RateLimit-Reset": KEY, "Retry-After": KEY}
BODY = json.dumps({"message": f"the key {KEY} is wrong"}).encode()

TROUBLES = {
    "wrong key": Trouble(key_of_the_server="another-key"),
    "wrong key, repeated by the server": Trouble(
        faults=(Fault(kind="status", status=401, headers=HEADERS, body=BODY, times=99),)
    ),
    "no right to one object": Trouble(switches=replace(WITH_TOKENS, forbidden=("deals",))),
    "server failure, repeating the key": Trouble(
        faults=(Fault(kind="status", status=500, path=PAGE, headers=HEADERS, body=BODY, times=99),)
    ),
    "redirect that carries the key": Trouble(
        faults=(
            Fault(
                kind="redirect",
                location=f"https://user:{quote(KEY, safe='')}@evil.example/{quote(KEY)}?key={quote_plus(KEY)}",
                headers=HEADERS,
                times=99,
            ),
        )
    ),
    "web page": Trouble(faults=(Fault(kind="html", status=200, body=BODY, headers=HEADERS, times=99),)),
    "dropped connection": Trouble(faults=(Fault(kind="dropped", path=PAGE, times=99),)),
    "cut answer": Trouble(faults=(Fault(kind="truncated", path=PAGE, times=99),)),
    "answer without its list": Trouble(faults=(Fault(kind="no_envelope", path=PAGE, times=99),)),
    "answer that is no JSON": Trouble(faults=(Fault(kind="not_json", path=PAGE, body=BODY[:-1], times=99),)),
    "missing view": Trouble(switches=replace(WITH_TOKENS, missing_views=("Open Deals",))),
    "ceiling of calls": Trouble(environment=(("SOURCES__FRESHSALES__MAX_CALLS", "4"),)),
    "quota gone": Trouble(
        environment=(
            ("SOURCES__FRESHSALES__RATE_LIMITS", "[[4, 3600]]"),
            ("SOURCES__FRESHSALES__ON_QUOTA", "stop"),
        )
    ),
    "key pasted into a setting": Trouble(environment=(("SOURCES__FRESHSALES__PLAN", KEY),)),
    "key pasted as the address": Trouble(environment=(("SOURCES__FRESHSALES__DOMAIN", KEY),)),
    "warehouse that refuses the rows": Trouble(is_refused_by_the_warehouse=True),
    "interrupted": Trouble(is_interrupted=True),
    "nothing at all": Trouble(environment=(("SOURCES__FRESHSALES__OBJECTS", json.dumps(EVERYTHING)),)),
}


@contextmanager
def account(freshsales: Command, trouble: Trouble, title: str) -> Iterator[Emulator]:
    with freshsales.account(switches=trouble.switches, api_key=trouble.key_of_the_server) as emulator:
        usual = {"SOURCES__FRESHSALES__RETRIES": "1", "SOURCES__FRESHSALES__OBJECTS": '["deals"]'}
        freshsales.set(FRESHSALES_API_KEY=KEY, **{**usual, **dict(trouble.environment)})
        emulator.store.add_module("cm_visits", "Visit", "Visits")
        emulator.store.create("cm_visits", name="First")
        emulator.faults.add(*trouble.faults)
        if trouble.is_interrupted:
            emulator.before_request = interrupts_at(2)
        if trouble.is_refused_by_the_warehouse:
            refuse_deals(freshsales.database)
        yield emulator
        assert emulator.log or "pasted" in title


def refuse_deals(path: Path) -> None:
    """Let the load of deals fail, after they were read."""
    with duckdb.connect(str(path)) as db:
        for schema in ("freshsales", "crm"):
            db.execute(
                f"CREATE SCHEMA {schema}; CREATE TABLE {path.stem}.{schema}.deals (id BIGINT CHECK (id < 0))"
            )


def interrupts_at(request: int) -> Callable[[int], None]:
    def hook(number: int) -> None:
        if number == request:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    return hook


# The searches


@pytest.mark.parametrize("title", TROUBLES)
def test_no_secret_is_left_by_the_command(freshsales: Command, title: str) -> None:
    trouble = TROUBLES[title]
    left: dict[str, bytes] = {}
    codes: list[int] = []
    with account(freshsales, trouble, title), all_logs_at_debug(trouble) as log:
        for number, arguments in enumerate((["check", "--json"], ["check"], ["sync", "-v"], ["status"])):
            if trouble.is_interrupted and arguments[0] == "check":
                continue
            ran = attempted(freshsales, arguments)
            codes.append(ran.code)
            left |= {f"{number} stdout": ran.out.encode(), f"{number} stderr": ran.err.encode()}
    left |= {"log": log.getvalue().encode(), **dict(files_below(freshsales.folder.parent))}
    assert leaks(left=left) == []
    assert any(codes) is (title != "nothing at all"), "the trouble did not happen"


def attempted(freshsales: Command, arguments: list[str]) -> Ran:
    """Run a command; what nobody foresaw becomes stderr, as the interpreter would print it."""
    ran: list[Ran] = []
    with Catcher() as caught:
        ran.append(freshsales(*arguments))
    return ran[0] if ran else Ran(code=1, out="", err=told_by(caught.error))


class Catcher:
    """Catches whatever the block ends with, Ctrl-C too, to look into it."""

    error: BaseException | None = None

    def __enter__(self) -> Catcher:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.error = error
        return True


# A key pasted into another setting is out of dlt's sight as a secret: it notes every setting that is read.
PLAIN = [title for title in TROUBLES if "pasted" not in title]


@pytest.mark.parametrize("title", PLAIN)
def test_no_secret_is_left_by_a_plain_dlt_run(freshsales: Command, title: str) -> None:
    trouble = TROUBLES[title]
    freshsales.set(RUNTIME__LOG_LEVEL="DEBUG")
    info: list[str] = []
    with account(freshsales, trouble, title), all_logs_at_debug(trouble) as log:
        # dlt knows nothing of the short forms.
        domain = freshsales.environment("FRESHSALES_DOMAIN")
        freshsales.set(SOURCES__FRESHSALES__API_KEY=KEY, SOURCES__FRESHSALES__DOMAIN=domain)
        pipeline = dlt.pipeline(
            "canary", destination=dlt.destinations.duckdb(str(freshsales.database)), dataset_name="crm"
        )
        with Catcher() as caught:
            info.append(str(pipeline.run(freshsales_source())))
    left = {
        "info": "".join(info).encode(),
        "trace": str(pipeline.last_trace).encode(),
        "error": told_by(caught.error).encode(),
        "log": log.getvalue().encode(),
        **dict(files_below(freshsales.folder.parent)),
    }
    assert leaks(left=left) == []
    clean_ends = ("nothing at all", "ceiling of calls", "quota gone")
    assert (caught.error is None) is (title in clean_ends), caught.error


# The search itself


@pytest.mark.parametrize("wrap", [str, quote, quote_plus, repr, json.dumps, html.escape])
def test_the_search_finds_the_key_however_it_is_wrapped(tmp_path: Path, wrap: Callable[[str], str]) -> None:
    (tmp_path / "trace.pickle").write_bytes(gzip.compress(f"before {wrap(KEY)} after".encode()))
    assert leaks(left=dict(files_below(tmp_path)))


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_the_search_finds_the_key_inside_base64(before: str) -> None:
    assert leaks(left={"header": base64.b64encode(f"{before}{KEY}:x".encode())})


def test_the_search_finds_what_an_exception_hides() -> None:
    hiding = RuntimeError("all is well")
    hiding.__context__ = ValueError(KEY)
    hiding.__suppress_context__ = True
    assert leaks(left={"error": told_by(hiding).encode()})


def test_the_search_finds_the_key_and_a_token_in_a_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "x.duckdb")) as db:
        db.execute("CREATE TABLE found AS SELECT ? AS key, ? AS token", [KEY, f"convo-{'0a' * 16}"])
    assert len([leak for leak in leaks(left=dict(files_below(tmp_path))) if "as tables" in leak]) >= 2


def test_the_search_finds_a_token_in_what_dlt_writes_for_a_load(tmp_path: Path) -> None:
    token = f"jwt-{'0a' * 24}"
    parquet.write_table(pa.table({"id": [1], "collaboration": [token]}), tmp_path / "deals.1234.0.parquet")
    state = base64.b64encode(zlib.compress(json.dumps({"seen": token}).encode())).decode()
    with duckdb.connect(str(tmp_path / "x.duckdb")) as db:
        db.execute("CREATE TABLE _dlt_pipeline_state AS SELECT ? AS state", [state])
    places = {leak.partition(":")[0] for leak in leaks(left=dict(files_below(tmp_path)))}
    assert places == {"deals.1234.0.parquet", "x.duckdb as tables"}


def test_the_account_sends_tokens_with_every_record(freshsales: Command) -> None:
    with account(freshsales, TROUBLES["nothing at all"], "pasted") as emulator:
        for name in (*EVERYTHING[:7], "cm_visits"):
            record = emulator.served(name, int(emulator.store.live(name)[0]["id"]))
            assert len(TOKENS.findall(json.dumps(record, default=str).encode())) == 4, name
