"""From a saved view's name to its id: objects have no flat list, only views, and view ids differ per account.

Source: `GET {object}/filters` answers `{"filters": [{"id", "name", ...}]}` (documented, relied on by all clients);
names may be renamed or localised (unknown for the default views), hence the setting `views`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from freshsales_source.api.client import Answer
from freshsales_source.errors import MalformedPage, SavedViewNotFound
from freshsales_source.settings.setting_values import ViewChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A saved view as the account lists it; `is_default` marks those that Freshsales itself made (documented)."""

    id: int
    name: str
    is_default: bool = field(default=False, compare=False)


def parse_views(answer: Answer) -> tuple[View, ...]:
    """The views in the answer of `{object}/filters`; raises MalformedPage where the list is not as documented."""
    document = answer.json()
    rows = document.get("filters") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise MalformedPage('the answer has no list "filters"', where=answer.where)
    return parse_rows(rows, answer.where)


def parse_rows(rows: Sequence[object], where: str) -> tuple[View, ...]:
    """The views in the rows of such a list; raises MalformedPage for a row without id or name."""
    return tuple(_view(row, where) for row in rows)


def choose(object: str, wanted: ViewChoice, seen: Sequence[View]) -> tuple[View, ...]:
    """The views of those ids or names, in that order; raises SavedViewNotFound for the first that is not there."""
    return tuple(find(object, choice, seen) for choice in wanted)


def find(object: str, choice: int | str, seen: Sequence[View]) -> View:
    """The view of that id or name; upper and lower case count only where names differ by nothing else.

    Of several with one name it is the one that Freshsales made; people can give theirs the same name. Raises
    SavedViewNotFound where there is none, or where the name does not tell which.
    """
    exact = [view for view in seen if choice in (view.id, view.name)]
    loose = [view for view in seen if view.name.strip().casefold() == str(choice).strip().casefold()]
    named = exact or loose
    found = named if len(named) == 1 else [view for view in named if view.is_default]
    if len(found) != 1:
        raise _not_found(object, choice, seen) if not named else _ambiguous(object, choice, named)
    return found[0]


def bin_setting(object: str) -> str:
    """The key in the setting `views` that names the object's recycle bin, where that is renamed or localised."""
    return f"{object}_bin"


def find_bin(object: str, choice: int | str, seen: Sequence[View]) -> View:
    """The recycle bin's view; raises SavedViewNotFound, which says what is lost without it."""
    try:
        return find(object, choice, seen)
    except SavedViewNotFound as error:
        raise SavedViewNotFound(
            f"{error.what}; without it deletions cannot be seen",
            remedy="Give the key's user the right to see the recycle bin, or, if it has another name here, "
            f"set views.{bin_setting(object)} under [sources.freshsales] in .dlt/config.toml.",
        ) from None


def _view(row: object, where: str) -> View:
    if (
        not isinstance(row, dict)
        or not isinstance(row.get("id"), int)
        or not isinstance(row.get("name"), str)
    ):
        raise MalformedPage("a saved view without id or name", where=where)
    return View(id=row["id"], name=row["name"], is_default=row.get("is_default") is True)


def _ambiguous(object: str, choice: int | str, named: Sequence[View]) -> SavedViewNotFound:
    ids = ", ".join(str(view.id) for view in named)
    return SavedViewNotFound(
        f'{object} has {len(named)} saved views named "{choice}" ({ids})',
        remedy=f"Set views.{object} under [sources.freshsales] in .dlt/config.toml to the id of one.",
    )


def _not_found(object: str, choice: int | str, seen: Sequence[View]) -> SavedViewNotFound:
    wanted = f'"{choice}"' if isinstance(choice, str) else f"with id {choice}"
    found = ", ".join(f'"{view.name}" ({view.id})' for view in seen) or "none"
    return SavedViewNotFound(
        f"{object} has no saved view {wanted}; found {found}",
        remedy=f"Set views.{object} under [sources.freshsales] in .dlt/config.toml.",
    )
