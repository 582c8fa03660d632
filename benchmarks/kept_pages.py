"""Answers kept in a folder, so that several programs can read the same page bytes without a server or a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import requests
from requests.adapters import BaseAdapter

from benchmarks.large_account import LargeAccount
from benchmarks.measured import Stopwatch
from benchmarks.syncs import settings_for, sync_once
from freshsales_source.emulator import Switches, SystemClock

URL = "http://127.0.0.1:8900"
"""The address under which the answers were given; nobody listens there."""
_INDEX = "index.json"


def keep(stopwatch: Stopwatch, *, folder: str, contacts: int) -> None:
    """A job: keep every answer that a first sync of so many contacts gets."""
    switches = Switches(deal_views_default_pipeline_only=False, gzip=False)
    account = LargeAccount({"contacts": contacts}, clock=SystemClock(), switches=switches)
    kept = _Keeper(httpx.WSGITransport(app=account.wsgi), Path(folder))
    with stopwatch:
        settings = settings_for(Path(folder), URL, objects=["contacts"])
        report, _ = sync_once(Path(folder) / "read-once", settings, transport=lambda: kept)
    if report.exit_code != 0:
        raise SystemExit(f"the pages could not be read: {report}")
    kept.finish()


class KeptAnswers:
    """The answers of a folder, by request; raises KeyError for one that was never made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: dict[str, tuple[str, str, dict[str, str]]] = json.loads(
            (folder / _INDEX).read_text("utf-8")
        )

    def answer(self, url: str) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the answer to GET `url`."""
        name, _, headers = self._index[_key(url)]
        return (self._folder / name).read_bytes(), headers

    def view_pages(self, object_name: str) -> Iterator[tuple[str, Path]]:
        """The addresses and files of the pages of an object's largest view, in order of the pages."""
        pages: dict[str, list[tuple[int, str, Path]]] = {}
        for name, url, _ in self._index.values():
            path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))
            if f"/{object_name}/view/" in path:
                pages.setdefault(path, []).append((int(query["page"]), url, self._folder / name))
        largest = max(len(found) for found in pages.values())
        for _, url, file in sorted(next(found for found in pages.values() if len(found) == largest)):
            yield url, file


class HttpxAnswers(httpx.BaseTransport):
    """Kept answers for httpx."""

    def __init__(self, kept: KeptAnswers) -> None:
        self._kept = kept

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The kept answer."""
        body, headers = self._kept.answer(str(request.url))
        return httpx.Response(200, headers=headers, content=body)


class RequestsAnswers(BaseAdapter):
    """Kept answers for a session of requests."""

    def __init__(self, kept: KeptAnswers) -> None:
        super().__init__()
        self._kept = kept

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """The kept answer."""
        body, headers = self._kept.answer(str(request.url))
        response = requests.Response()
        response.status_code = 200
        response.headers.update(headers)
        response.url = str(request.url)
        response.request = request
        response.raw = BytesIO(body)
        return response

    def close(self) -> None:
        """There is nothing to close."""


class _Keeper(httpx.BaseTransport):
    """Passes requests on and keeps the answers."""

    def __init__(self, inner: httpx.BaseTransport, folder: Path) -> None:
        self._inner = inner
        self._folder = folder
        self._index: dict[str, tuple[str, str, dict[str, str]]] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        with self._lock:
            name = f"{len(self._index):06d}.json"
            self._index[_key(str(request.url))] = name, str(request.url), dict(response.headers)
        (self._folder / name).write_bytes(response.content)
        return httpx.Response(200, headers=response.headers, content=response.content)

    def finish(self) -> None:
        """Write down which answer is whose."""
        (self._folder / _INDEX).write_text(json.dumps(self._index), "utf-8")


def _key(url: str) -> str:
    """The same for the same request, whatever the order of its parameters."""
    parts = urlsplit(url)
    return f"{parts.path}?{urlencode(sorted(parse_qsl(parts.query)))}"
