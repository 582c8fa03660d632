"""Random administrations of custom fields, as settings and records: every value stays in a column of its own.

Pure: what the settings say and what a page holds goes in, through the memory as it is saved, and rows come out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from freshsales_source.decode import Layout
from freshsales_source.entities import DEALS
from freshsales_source.pages.paging import Shape
from freshsales_source.schema.account_fields import AccountFields, changes
from freshsales_source.schema.column_names import LONGEST_NAME, list_table_name
from freshsales_source.schema.columns import Column, ColumnType
from freshsales_source.schema.fields import field_from_state, field_to_state, parse_fields
from tests.decoding import LIVE, STAMP
from tests.field_values import FIELD_TYPES, NAMES, VALUES, holds

OWN = tuple(column.name for column in Layout.of(DEALS).table.columns)
KEYS = st.one_of(
    st.sampled_from((*NAMES, "amount", "id", "_synced_at", "_dlt_id", "is_deleted", "select", "x\"'; y")),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8).filter(
        str.strip
    ),
)


@dataclass
class Administration:
    """The settings of one account, and what the connector knows of them."""

    known: AccountFields = field(default_factory=AccountFields)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_id: int = 100
    columns: dict[str, str] = field(default_factory=dict)

    def change(self, what: str, key: str, type_: str) -> None:
        """One thing that an administrator does."""
        if what == "delete":
            self.fields.pop(key, None)
        elif key not in self.fields:
            # Ids need not grow: the lowest may come last.
            self.last_id += -3 if what == "create" else 5
            self.fields[key] = {
                "id": self.last_id,
                "name": key,
                "label": key,
                "type": type_,
                "default": False,
            }
        elif what == "retype":
            self.fields[key]["type"] = type_
        else:
            self.fields[key]["label"] = f"{type_} of {key}"

    def read(self) -> None:
        """Read the settings, with the memory of the last run as it was saved."""
        told = parse_fields(json.dumps({"fields": list(self.fields.values())}).encode(), object="deals")
        before = saved(self.known)
        self.known = before.with_settings(told, reserved=OWN, stored={})
        changes(before, self.known)

    def load(self, values: dict[str, Any]) -> dict[str, Any]:
        """The row of a deal that holds these values, by a page that may hold keys of which nobody told."""
        shape = Shape(Layout.of(DEALS, self.known.columns), self._met)
        record = {"id": 1, "updated_at": STAMP, "custom_field": values}
        page = shape.decode(json.dumps({"deals": [record]}).encode(), LIVE)
        self.known = AccountFields(columns=shape.layout.extra, fields=self.known.fields)
        table: pa.Table = page.tables["deals"]
        return dict(table.to_pylist()[0])

    def _met(self, columns: Any) -> Layout:
        self.known = self.known.with_met(columns, stored={})
        return Layout.of(DEALS, self.known.columns)


def saved(known: AccountFields) -> AccountFields:
    """What is left of it in the saved state."""
    state = json.loads(
        json.dumps(
            [
                [column.as_state() for column in known.columns],
                None if known.fields is None else [field_to_state(one) for one in known.fields],
            ]
        )
    )
    return AccountFields(
        columns=tuple(map(Column.from_state, state[0])),
        fields=None if state[1] is None else tuple(map(field_from_state, state[1])),
    )


STEP = st.fixed_dictionaries(
    {
        "changes": st.lists(
            st.tuples(
                st.sampled_from(["create", "make", "relabel", "retype", "delete"]),
                KEYS,
                st.sampled_from(FIELD_TYPES),
            ),
            max_size=6,
        ),
        "reads": st.booleans(),
        "values": st.dictionaries(KEYS, st.sampled_from(VALUES), max_size=6),
    }
)


@hypothesis_settings(max_examples=300)
@given(steps=st.lists(STEP, min_size=1, max_size=5))
def test_every_value_is_in_a_column_of_its_own_that_never_changes_its_name(
    steps: list[dict[str, Any]],
) -> None:
    account = Administration()
    for step in steps:
        for what, key, type_ in step["changes"]:
            account.change(what, key, type_)
        if step["reads"]:
            account.read()
        row = account.load(step["values"])
        names = account.known.names
        for key, value in step["values"].items():
            # A key without a value that nobody told of needs no column.
            assert key in names or value is None, key
            assert value is None or holds(row, names[key], value), (key, names[key], value)
        check_names(account)


def check_names(account: Administration) -> None:
    names = account.known.names
    given_names = [*OWN, *(column.name for column in account.known.columns)]
    assert len(set(given_names)) == len(given_names)
    assert all(len(name) <= LONGEST_NAME for name in names.values())
    assert {key: names[key] for key in account.columns} == account.columns
    account.columns = names


def test_a_name_too_long_for_a_destination_is_cut_and_marked() -> None:
    account = Administration()
    for place, key in enumerate(NAMES[-2:]):
        account.change("create", key, FIELD_TYPES[place])
    account.read()
    one, other = account.known.names.values()
    assert one != other
    assert {len(one), len(other)} == {LONGEST_NAME}


def test_a_column_that_nobody_remembers_keeps_the_type_of_its_values() -> None:
    told = parse_fields(
        b'{"fields": [{"id": 1, "name": "cf_a", "type": "text", "default": false}]}', object="deals"
    )
    known = AccountFields().with_settings(told, reserved=(), stored={"cf_a": ColumnType.DECIMAL})
    assert [column.type for column in known.columns] == [ColumnType.DECIMAL]
    met = (Column.from_state({"name": "cf_b", "key": "cf_b", "type": "json", "is_custom": True}),)
    # JSON is stored as text: it is the same column.
    known = known.with_met(met, stored={"cf_b": ColumnType.TEXT})
    assert known.columns[-1].type is ColumnType.JSON


def test_a_list_of_a_long_name_gets_a_name_that_every_destination_takes() -> None:
    columns = ["cf_" + "x" * 55, "cf_" + "x" * 54 + "y"]
    names = [list_table_name("sales_activities", column) for column in columns]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {63}
    assert all(name.startswith("sales_activities__cf_x") for name in names)
    assert list_table_name("deals", "tags") == "deals__tags"
