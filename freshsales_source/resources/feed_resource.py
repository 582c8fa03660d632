"""From a row of the table of feeds to a dlt resource, which follows the resources of its objects."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import dlt
from dlt.sources import DltResource

from freshsales_source.entities.feeds import Feed
from freshsales_source.feeds.reader import FeedReader
from freshsales_source.feeds.rows import feed_schema
from freshsales_source.resources.entity_resource import SharedRun, marked
from freshsales_source.run import Run
from freshsales_source.state.feed_state import FeedState


def feed_resource(feed: Feed, shared: SharedRun, *, objects: Collection[str], in_slices: bool) -> DltResource:
    """The resource of one feed, for the records of `objects` that the same load hands over."""

    def read() -> Iterator[Any]:
        state = dlt.current.resource_state(feed.name)
        with shared.use() as run:
            reader = _reader(shared, run, feed, objects, state)
            yield None  # Now every other resource has begun, too.
            if not state:
                yield marked(feed_schema(feed).empty_table(), feed.table)
            # Their records and the note that these wait for their feed belong in one load.
            while shared.is_handing_over(feed.parents):
                yield None
            reader.take_in()
            while True:
                reader.start()
                yield None
                batch = reader.batch()
                if batch.table is not None:
                    yield marked(batch.table, feed.table)
                state.clear()
                state.update(batch.state.to_json())
                if in_slices or reader.is_done:
                    return

    return dlt.resource(read, name=feed.name, file_format="parquet")


def _reader(
    shared: SharedRun, run: Run, feed: Feed, objects: Collection[str], state: dict[str, Any]
) -> FeedReader:
    def is_waiting() -> bool:
        parents = [shared.readers[name] for name in feed.parents if name in shared.readers]
        return shared.holds_feeds or not all(parent.is_done for parent in parents)

    if feed.name not in shared.readers:
        saved = FeedState.from_json(state)
        shared.readers[feed.name] = FeedReader(run, feed, objects, saved, is_waiting=is_waiting)
    reader = shared.readers[feed.name]
    assert isinstance(reader, FeedReader)
    return reader
