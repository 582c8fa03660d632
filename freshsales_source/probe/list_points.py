"""The points that are the same for several lists: which orders they honour, and what their views are called."""

from __future__ import annotations

from freshsales_source.probe import account_settling as account
from freshsales_source.probe import list_settling as lists
from freshsales_source.probe.point import Point
from freshsales_source.schema.entity_types import Entity, Views
from freshsales_source.state.findings import order_point

_NEWEST_FIRST = {
    "honoured": "Only what changed is read, newest first.",
    "ignored": "It is read whole in every run, from the first one on.",
    "refused": "It cannot be read newest first: please report this.",
}
_BY_CREATION = {
    "honoured": "Records that vanished are found by halving it.",
    "ignored": "Records that vanished cannot be found; the first page shows it each time.",
    "refused": "Records that vanished cannot be found; the first answer shows it each time.",
}
_NOT_USED = dict.fromkeys(("honoured", "ignored", "refused"), "None: a sync does not ask for it.")
_VIEWS = {
    "found": "They are read by name.",
    "missing": "Set `views.{object}`: `freshsales check` lists what there is.",
    "renamed": "Set `views.{object}`: `freshsales check` lists what there is.",
    "localised": "Set `views.{object}`: `freshsales check` lists what there is.",
}


def _order(
    object: str, column: str, direction: str, question: str, *also: str, is_bin: bool = False
) -> Point:
    """An order of a list that is read newest first, or of one that is searched."""
    by_order = {("updated_at", "desc"): _NEWEST_FIRST, ("created_at", "asc"): _BY_CREATION}
    what = f"the recycle bin of {object}" if is_bin else object
    return Point(
        name=order_point(object, column, direction, is_bin=is_bin),
        question=f"Is {what} sorted by {column}, {direction}, when asked?",
        assumption="ignored" if object == "products" else "honoured",
        settle=lists.order(
            question,
            *also,
            column=column,
            descending=direction == "desc",
            besides=f"{object} updated_at desc" if column == "id" else "",
        ),
        consequences=by_order.get((column, direction), _NOT_USED),
    )


def orders() -> tuple[Point, ...]:
    """The orders that are asked for, list by list."""
    names = ("contacts", "sales_accounts", "deals")
    again = {"deals": ("deals created_at asc again",)}
    return (
        *(_order(name, "updated_at", "desc", f"{name} updated_at desc") for name in names),
        _order("contacts", "updated_at", "asc", "contacts updated_at asc"),
        *(
            _order(name, "created_at", "asc", f"{name} created_at asc", *again.get(name, ()))
            for name in names
        ),
        *(_order(name, "id", "asc", f"{name} id asc") for name in names),
        *(_order(name, "updated_at", "desc", f"{name} bin updated_at desc", is_bin=True) for name in names),
        _order("sales_activities", "updated_at", "desc", "sales_activities updated_at desc"),
        _order("products", "updated_at", "desc", "products updated_at desc"),
        *(_fixed_order(object, name) for object, name in _FILTERS),
    )


_FILTERS = (
    ("tasks", "open"),
    ("tasks", "completed"),
    ("appointments", "past"),
    ("appointments", "upcoming"),
)


def _fixed_order(object: str, name: str) -> Point:
    return Point(
        name=f"{object}.{name}.order.updated_at.desc",
        question=f"Are {name} {object} sorted by updated_at, desc, when asked?",
        assumption="ignored",
        settle=lists.order(f"{object} {name}", column="updated_at", descending=True),
        consequences=dict.fromkeys(("honoured", "ignored"), "The list is read whole, whatever its order."),
    )


def views(entity: Entity) -> tuple[Point, Point]:
    """The names of an object's live views and of its bin."""
    assert isinstance(entity.read, Views)
    live = {key: text.format(object=entity.name) for key, text in _VIEWS.items()}
    binned = {key: text.format(object=f"{entity.name}_bin") for key, text in _VIEWS.items()}
    return (
        Point(
            name=f"{entity.name}.views",
            question=f"Have the views of {entity.name} their usual names?",
            assumption="found",
            settle=account.view_names(entity.name, entity.read.live),
            consequences=live,
        ),
        Point(
            name=f"{entity.name}.bin",
            question=f"Is there a recycle bin of {entity.name} under its usual name?",
            assumption="found",
            settle=account.view_names(entity.name, (entity.read.bin,)),
            consequences={**binned, "missing": "Deletions cannot be seen: give the key's user the right to."},
        ),
    )
