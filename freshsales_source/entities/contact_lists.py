"""Lists of contacts, as people keep them for mailings."""

from __future__ import annotations

from freshsales_source.entities.dropped import PARTIAL
from freshsales_source.schema.entity_columns.words import DOCUMENTED, record_id, text
from freshsales_source.schema.entity_types import Entity, Selector

LISTS = Entity(
    name="lists",
    singular="list",
    path="/lists",
    description="Lists of contacts. Who is in a list is not copied: it takes the pages of each list, every time.",
    # Id and name are all that an answer holds (documented), so there is no order by change to read it in.
    read=Selector(path="/lists", envelope="lists", is_paged=True),
    columns=(
        record_id("Number of the list, the same for ever.", DOCUMENTED),
        text("name", "Name of the list.", DOCUMENTED),
    ),
    dropped=(PARTIAL,),
    is_optional=True,
)
