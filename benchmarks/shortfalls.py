"""Why lines fall short of their aims, as profiles showed, and what was tried; the table tells these below it."""

from __future__ import annotations

from collections.abc import Mapping

_LOADS = (
    "each 50 pages are one dlt load, so that a kill repeats no more, and a load costs much beside its rows. Of the "
    "working time of all threads in a sync of 30,000 contacts (seven loads) 22 % went into opening and closing the "
    "DuckDB file, whose last connection writes a checkpoint; 18 % into dlt's hashing, copying and checking of schemas; "
    "10 % into its looking up of settings; 14 % into our decoder; 6 % into requests and the budget; 4 % into SQL. "
    "Tried: the file stays open within a load and while counts are compared, and is opened once for all who ask; what "
    "DuckDB can do, and its settings, are looked up once in a run: some 3 % less. A connection kept from load to load "
    "saved a tenth in DuckDB alone, but its memory grew to the limit. Not tried: larger slices, of which a kill would "
    "repeat more. Where limits count, all of this fits into the waiting."
)
SHORTFALLS: Mapping[str, str] = {
    "rate_shipped": _LOADS,
    "rate_tuned_merge": _LOADS,
    "rate_floor": _LOADS
    + " The floor has one connection and no load. `decoder, append`, in the file, is what "
    "our decoding costs with a single load.",
    "rate_tuned_append": "this ratio was 4.1 three hours earlier, with the same code on the same machine, whose single "
    "runs differ by a tenth.",
    "latency": "the first page is asked for after 0.8 s, as the lists of views and fields come before it; a walk or "
    "two stand still for 0.3 s at each of the 20 loads, as what was read goes to disk and no more than 50 pages may "
    "be at risk; and 2.8 s after the last answer go into the last slice, the counts and the report. Between these, a "
    "walk asks every 0.316 s. Tried: four pages ahead of a load, and eight, which is shipped: 78 % and 81 % with 120 "
    "pages a list. Not tried: asking for a page before the one above it is decoded, which would waste calls where "
    "lists end.",
}
"""By the key of the aim. Only lines that fall short are told, so an entry may outlive its reason for a while."""
