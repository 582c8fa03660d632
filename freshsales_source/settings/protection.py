"""Personal data that the warehouse does not get: columns left out, and columns that hold a keyed hash instead.

A protected entity is an entity like any other, with other columns: everything that is made from it (schemas, rows,
`__raw` texts, rows read back and merged again) knows only those. What is hashed is the text of the value as it would
have been stored, so that equal values stay equal and joins still work; without the key nobody can try values out.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from freshsales_source.entities.custom_modules import is_module, module_entity
from freshsales_source.entities.feeds import FEEDS, Feed
from freshsales_source.errors import ConfigurationError
from freshsales_source.redact import Secret
from freshsales_source.schema.entity_types import SYSTEM_COLUMNS, TEXTS, Entity, Filters, Protection
from freshsales_source.settings.setting_values import refused

DROP = "drop_columns"
HASH = "hash_columns"

_NEEDED = frozenset(
    {"id", "created_at", "updated_at", "deal_pipeline_id", "deal_stage_id", "due_date", "end_date"}
)
"""Columns by which records are found, ordered and counted, wherever a table has them."""

_CUSTOM = "cf_"
"""How names of custom fields begin; which ones there are, only the account can tell (recorded)."""


def hashing(key: Secret) -> Protection:
    """Replace a column's values by their HMAC-SHA256 under `key`, 64 hexadecimal digits."""
    secret = key.reveal().encode()

    def digest(text: str) -> str:
        return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()

    return Protection(digest=digest)


def with_protections(entity: Entity, found: Mapping[str, Protection]) -> Entity:
    """The entity with those of the protections that concern its tables."""
    tables = {table.name for table in entity.tables()}
    own = {name: one for name, one in found.items() if name.partition(".")[0] in tables}
    return replace(entity, protected=own) if own else entity


def protected_feeds(feeds: Iterable[Feed], found: Mapping[str, Protection]) -> tuple[Feed, ...]:
    """The feeds, each with those of the protections that concern its table."""
    return tuple(
        replace(feed, protected={n: one for n, one in found.items() if n.startswith(f"{feed.name}.")})
        for feed in feeds
    )


def protections(
    entities: Sequence[Entity], *, dropped: Iterable[str], hashed: Iterable[str], hash_key: Secret | None
) -> dict[str, Protection]:
    """What is done to each column in `dropped` and `hashed` (`table.column`), of these entities, feeds and modules.

    Which modules there are, and which fields they have, only the account can tell.

    Raises ConfigurationError for a column that there is not, that the connector cannot do without, that stands in
    both, and where `hashed` has no key: a name that protects nothing would let personal data through unseen.
    """
    found: dict[str, Protection] = {}
    for setting, names in ((DROP, dropped), (HASH, hashed)):
        for name in names:
            _check(setting, name, entities)
            if name in found:
                raise refused(
                    setting, f"names `{name}`, which `{DROP}` names, too", "Name it in one of them."
                )
            if setting == HASH and hash_key is None:
                raise refused("hash_key", "is not set", f"`{HASH}` needs a secret of at least 16 characters.")
            found[name] = Protection() if hash_key is None or setting == DROP else hashing(hash_key)
    return found


def _check(setting: str, name: str, entities: Sequence[Entity]) -> None:
    table_name, _, column = name.partition(".")
    if is_module(table_name):
        entities = (*entities, module_entity(table_name, table_name, table_name))
    owners: dict[str, Entity] = {table.name: entity for entity in entities for table in entity.tables()}
    tables = {feed.name: feed.sent_table for feed in FEEDS}
    tables |= {table.name: table for entity in entities for table in entity.tables()}
    if table_name not in tables:
        near = [f"{one}.{column}" for one in difflib.get_close_matches(table_name, tables, n=1)]
        raise _unknown(setting, name, near)
    table, entity = tables[table_name], owners.get(table_name)
    known = [one.name for one in table.columns]
    is_custom = column.startswith(_CUSTOM) and entity is not None and entity.has_custom_fields
    is_custom = is_custom and table.parent is None
    if column not in known and not is_custom:
        near = [f"{table_name}.{one}" for one in difflib.get_close_matches(column, known, n=1)]
        raise _unknown(setting, name, near)
    needed = {*_NEEDED, *table.primary_key, *table.merge_key, *(c.name for c in SYSTEM_COLUMNS), table.marker}
    if entity is not None and isinstance(entity.read, Filters):
        needed.add(entity.read.live_by)
    if setting == HASH and column in known and table.column(column).type not in TEXTS:
        raise refused(setting, f"names `{name}`, which holds no text", f"Leave it out, with `{DROP}`.")
    if column in needed or (not table.primary_key and column == "position"):
        raise refused(setting, f"names `{name}`, which the connector cannot do without", "Leave it out.")


def _unknown(setting: str, name: str, near: Sequence[str]) -> ConfigurationError:
    remedy = f"Did you mean `{near[0]}`?" if near else "Write `table.column`, as in the list of tables."
    return refused(setting, f"names `{name}`, which is no column", remedy)
