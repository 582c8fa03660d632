"""Why lines fall short of their aims, as profiles showed, and what was tried; the table tells these below it."""

from __future__ import annotations

from collections.abc import Mapping

_LOADS = (
    "each 50 pages are one dlt load, so that a kill repeats no more, and a load costs much beside its rows. Of the "
    "working time of all threads in a sync of 30,000 contacts (seven loads) 22 % went into opening and closing the "
    "DuckDB file, whose last connection writes a checkpoint; 18 % into dlt's hashing, copying and checking of schemas; "
    "10 % into its looking up of settings; 14 % into our decoder; 6 % into requests and the budget; 4 % into SQL. "
    "Tried: the file stays open within a load and while counts are compared; what DuckDB can do is looked up no more. "
    "Not tried: larger slices. Where limits count, all of this fits into the waiting."
)
SHORTFALLS: Mapping[str, str] = {
    "rate_shipped": _LOADS,
    "rate_tuned_merge": _LOADS,
    "rate_floor": _LOADS
    + " The floor has one connection and no load. `decoder, append`, in the file, is what "
    "our decoding costs with a single load.",
    "memory": "the peak is DuckDB's checkpoint when the file is closed, in rare spikes, as far as could be seen when a "
    "row group of 122,880 rows fills; after each load the process holds 235 to 270 MB from the first to the last, so "
    "nothing that the run itself keeps grows. Tried: a `memory_limit` of 1 GiB, which is shipped; one of 200 MB, which "
    "in DuckDB alone cut the spike from 383 to 284 MB, but may end a sync of wide tables; a single thread, which did "
    "not help.",
    "latency": "before the first page the lists of views and fields are asked for, and after the last answer the last "
    "slice and the report are loaded: seconds that no walk can fill.",
}
"""By the key of the aim. Only lines that fall short are told, so an entry may outlive its reason for a while."""
