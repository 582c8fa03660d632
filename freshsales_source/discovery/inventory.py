"""What there is to load from an account, and what a first sync would cost: the result of an exploration, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from freshsales_source.discovery.check import Problem, exit_code_of
from freshsales_source.exit_codes import ExitCode
from freshsales_source.schema.columns import ColumnType
from freshsales_source.settings.account import Account


class Standing(StrEnum):
    """How it stands with an object."""

    AVAILABLE = "available"  # this key can read it
    NOT_AVAILABLE = "not_available"  # this account has none, or the key may not see one that is optional
    FAILED = "failed"  # it should be there and cannot be read: a problem says why
    LEFT_OUT = "left_out"  # by the setting `objects`; not looked at


class Chosen(StrEnum):
    """Why a list of records is the one to read."""

    DEFAULT_NAME = "default_name"  # a saved view, by the name it has in an English account
    SETTING_NAME = "setting_name"  # by the name in the setting `views`
    SETTING_ID = "setting_id"  # by the id in the setting `views`
    FIXED = "fixed"  # the API has no other list of these records
    SEARCH = "search"  # a pipeline that the views leave out, read through the search


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFound:
    """One list that a sync would read: a saved view, which has an id, or another list of the API, without one.

    `records` is `meta.total`, None where the list does not tell. `namesakes` are further views of the same name,
    which were passed over.
    """

    name: str
    id: int | None
    chosen: Chosen
    is_bin: bool = False
    records: int | None = None
    namesakes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A custom field: its internal name, which never changes, its label, the API's type, and its column."""

    name: str
    label: str
    type: str
    column: str
    column_type: ColumnType


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFound:
    """One object, or one lookup table.

    `records` is the sum over its live lists (a record that stands in two of them counts twice), None where one does
    not tell. `custom_fields` is None where the object has no field settings, or the key may not read them. `calls`
    and `seconds` are what a first sync of it alone takes; the seconds are those that the limits impose.
    """

    object: str
    standing: Standing
    is_lookup: bool = False
    lists: tuple[ListFound, ...] = ()
    records: int | None = None
    binned: int | None = None
    custom_fields: tuple[CustomField, ...] | None = None
    calls: int = 0
    seconds: float = 0.0

    @property
    def is_lower_bound(self) -> bool:
        """Whether it may take more than `calls`: one of its lists does not tell how long it is."""
        return any(one.records is None for one in self.lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFound:
    """A pipeline of deals; one that the default views do not show is read through the search.

    `deals` counts its live ones by the search; `is_shown` is whether the views that are read show them. Both are
    None where they cannot be told, as is `is_shown` of a pipeline without deals.
    """

    id: int
    name: str
    is_default: bool
    deals: int | None = None
    is_shown: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelinesFound:
    """The pipelines of deals; `doubt` is why it cannot be told what the views show of them."""

    pipelines: tuple[PipelineFound, ...] = ()
    doubt: str = ""

    @property
    def walked(self) -> tuple[PipelineFound, ...]:
        """The pipelines that a sync reads through the search, those without deals, too; none where views show several.

        Where one pipeline alone has deals nothing shows that the views do not leave out the others.
        """
        shown = [one for one in self.pipelines if one.is_shown]
        if self.doubt or len(shown) > 1:
            return ()
        left = shown or [one for one in self.pipelines if one.is_default]
        return tuple(one for one in self.pipelines if one not in left)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerFound:
    """A user, and how many live records of each object are theirs, by the search."""

    id: int
    name: str
    is_active: bool
    records: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersFound:
    """Records per owner: of the first `owners` only, active ones before others, out of `in_account`.

    `doubts` tells for an object why its records were not counted.
    """

    owners: tuple[OwnerFound, ...] = ()
    in_account: int = 0
    doubts: Mapping[str, str] = field(default_factory=dict)
    calls: int = 0

    @property
    def lone_owners(self) -> dict[str, OwnerFound]:
        """Objects all of whose owned records are one person's though others work here: a restricted key looks so."""
        if len(self.owners) < self.in_account or sum(owner.is_active for owner in self.owners) < 2:
            return {}
        lone = {}
        for object in {name: None for owner in self.owners for name in owner.records}:
            having = [owner for owner in self.owners if owner.records.get(object)]
            if len(having) == 1:
                lone[object] = having[0]
        return lone


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Everything found. `calls` is what finding out took; `first_calls`, `first_seconds` are a first sync's.

    Objects stand in the order of the entity table; those behind a fatal problem were not looked at and are missing.
    """

    account: Account
    objects: tuple[ObjectFound, ...]
    problems: tuple[Problem, ...]
    pipelines: PipelinesFound = field(default_factory=PipelinesFound)
    owners: OwnersFound = field(default_factory=OwnersFound)
    first_calls: int = 0
    first_seconds: float = 0.0
    calls: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with: what a sync would be likely to end with."""
        has_records = [one for one in self.objects if not one.is_lookup]
        is_any_readable = any(one.standing is Standing.AVAILABLE for one in has_records)
        return exit_code_of(self.problems, is_any_readable=is_any_readable)

    @property
    def is_lower_bound(self) -> bool:
        """Whether a first sync may take more than `first_calls`."""
        return any(one.is_lower_bound for one in self.objects)
