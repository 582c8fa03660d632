"""THE TABLE keeps its own rules: names, keys, hints, reasons."""

from __future__ import annotations

import pytest

from freshsales_source.entities import CONTACTS, DEALS, ENTITIES, LEADS, LOOKUPS, PRODUCTS, entity
from freshsales_source.entities.custom_modules import module_entity
from freshsales_source.schema.column_names import plain_name
from freshsales_source.schema.columns import (
    EMPTIED_MARKER,
    Column,
    ColumnType,
    Confidence,
    Table,
    dlt_columns,
)
from freshsales_source.schema.entity_types import Entity, Filters, FlatList, Selector, Views

TABLES = [table for row in ENTITIES for table in row.tables()]

everywhere = pytest.mark.parametrize("row", ENTITIES, ids=lambda row: row.name)
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def test_the_tables_are_those_of_the_contract() -> None:
    assert [table.name for table in TABLES] == [
        "contacts",
        "contacts__emails",
        "contacts__phone_numbers",
        "contacts__tags",
        "contacts__system_tags",
        "contacts__team_user_ids",
        "contacts__sales_accounts",
        "sales_accounts",
        "sales_accounts__tags",
        "sales_accounts__domains",
        "sales_accounts__team_user_ids",
        "deals",
        "deals__tags",
        "deals__team_user_ids",
        "deals__products",
        "deals__contacts",
        "leads",
        "leads__emails",
        "leads__phone_numbers",
        "leads__tags",
        "leads__team_user_ids",
        "tasks",
        "tasks__targetables",
        "tasks__users",
        "appointments",
        "appointments__targetables",
        "appointments__attendees",
        "sales_activities",
        "products",
        "products__pricings",
        "lists",
        "custom_modules",
        "owners",
        "deal_pipelines",
        "deal_stages",
        "deal_types",
        "deal_reasons",
        "deal_payment_statuses",
        "deal_products",
        "currencies",
        "territories",
        "lead_sources",
        "campaigns",
        "industry_types",
        "business_types",
        "contact_statuses",
        "lifecycle_stages",
        "sales_activity_types",
        "sales_activity_outcomes",
        "sales_activity_entity_types",
    ]


@each_table
def test_column_names_are_single_and_survive_the_destination(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert [plain_name(name) for name in names] == names


@each_table
def test_every_column_says_what_it_means_in_one_sentence(table: Table) -> None:
    for column in table.columns:
        assert column.description.endswith("."), column.name
        assert column.description[0].isupper() or column.description[0] in "`01", column.name


@each_table
def test_every_row_tells_when_it_was_read(table: Table) -> None:
    column = table.column("_synced_at")
    assert (column.type, column.is_nullable) == (ColumnType.TIMESTAMP, False)


@everywhere
def test_a_parent_is_merged_by_id_and_says_whether_it_is_deleted(row: Entity) -> None:
    parent = row.tables()[0]
    assert parent.primary_key == ("id",)
    assert parent.column("id").type is ColumnType.ID
    assert not parent.column("id").is_nullable
    for name in ("is_deleted", "_deleted_reason", "_deleted_at"):
        assert parent.column(name).name == name


@everywhere
def test_children_and_bridges_are_replaced_by_their_parents_id(row: Entity) -> None:
    for table in row.tables()[1:]:
        assert table.merge_key == (f"{row.singular}_id",)
        assert table.primary_key == ()
        assert table.parent == row.name
        assert table.marker == EMPTIED_MARKER
        assert table.references[0] == (f"{row.singular}_id", row.name)


@everywhere
def test_no_key_is_both_loaded_and_dropped(row: Entity) -> None:
    loaded = {key for column in row.columns for key in column.keys}
    loaded |= {child.key for child in (*row.children, *row.bridges)}
    dropped = [dropped.key for dropped in row.dropped]
    assert not loaded & set(dropped)
    assert len(set(dropped)) == len(dropped)
    assert all(dropped.reason.strip() for dropped in row.dropped)


@everywhere
def test_secrets_that_change_at_every_read_are_dropped(row: Entity) -> None:
    if isinstance(row.read, Views):
        assert {"collaboration", "fc_widget_collaboration"} <= {dropped.key for dropped in row.dropped}


@everywhere
def test_references_point_from_a_column_to_a_table(row: Entity) -> None:
    for table in row.tables():
        assert len({column for column, _ in table.references}) == len(table.references)
        for column, target in table.references:
            assert table.column(column).type is ColumnType.ID
            assert entity(target) in ENTITIES


def test_every_key_of_a_lookup_on_an_object_is_told_as_a_reference() -> None:
    """`lead_source_id` points to `lead_sources`, wherever it stands."""
    singulars = {f"{row.singular}_id": row.name for row in LOOKUPS}
    for table in TABLES:
        told = dict(table.references)
        for name in {column.name for column in table.columns} & set(singulars):
            assert told.get(name) == singulars[name], (table.name, name)


@everywhere
def test_objects_in_views_have_a_cursor_and_custom_fields(row: Entity) -> None:
    if isinstance(row.read, Views):
        assert row.cursor == "updated_at"
        assert row.settings == row.name
        assert row.has_custom_fields
        assert row.tables()[0].column(row.cursor).type is ColumnType.TIMESTAMP


@everywhere
def test_only_lookups_are_without_a_cursor(row: Entity) -> None:
    assert (row.cursor is None) == isinstance(row.read, Selector)
    assert row.cursor is None or not row.tables()[0].column(row.cursor).is_nullable


@everywhere
def test_members_of_inner_objects_have_columns(row: Entity) -> None:
    keys = {key for column in row.columns for key in column.keys}
    assert all(any(key.startswith(f"{name}_") for key in keys) for name in row.objects)
    for child in row.lists:
        names = {column.name for column in child.columns}
        assert all(any(key.startswith(f"{name}_") for key in names) for name in child.objects)


def test_what_people_still_work_on_is_read_whole_and_the_rest_once() -> None:
    reads = {row.name: row.read for row in ENTITIES if isinstance(row.read, Filters)}
    assert {name: (read.live, read.settled) for name, read in reads.items()} == {
        "tasks": (("open",), ("completed",)),
        "appointments": (("upcoming",), ("past",)),
    }


def test_lists_without_views_are_read_at_their_own_path() -> None:
    paths = {row.path for row in ENTITIES if isinstance(row.read, FlatList)}
    assert paths == {"/sales_activities", "/cpq/products"}
    assert (PRODUCTS.envelope, PRODUCTS.singular, PRODUCTS.include) == (
        "products",
        "product",
        ("product_pricings",),
    )


def test_only_what_many_accounts_lack_may_be_absent() -> None:
    assert {row.name for row in ENTITIES if row.is_optional} == {
        LEADS.name,
        PRODUCTS.name,
        "contact_statuses",
        "custom_modules",
        "deal_products",
        "lifecycle_stages",
        "lists",
        "territories",
    }


def test_a_custom_module_keeps_the_rules_of_the_table_under_its_own_key() -> None:
    row = module_entity("cm_Contracts", "cm_contracts_1a2b3c4d", "Contracts")
    assert (row.name, row.envelope, row.singular) == ("cm_contracts_1a2b3c4d", "cm_Contracts", "cm_Contracts")
    assert isinstance(row.read, Views)
    (table,) = row.tables()
    assert (table.name, table.primary_key) == ("cm_contracts_1a2b3c4d", ("id",))
    test_column_names_are_single_and_survive_the_destination(table)
    test_every_column_says_what_it_means_in_one_sentence(table)
    test_no_key_is_both_loaded_and_dropped(row)
    test_secrets_that_change_at_every_read_are_dropped(row)


def test_every_lookup_is_one_answer_under_its_own_name_but_owners() -> None:
    for row in LOOKUPS:
        assert isinstance(row.read, Selector)
        assert row.read.path == row.path == f"/selector/{row.name}"
        assert row.envelope == {"owners": "users"}.get(row.name, row.name)


def test_bridges_link_two_ids_without_a_position() -> None:
    names = {table.name: [column.name for column in table.columns] for table in TABLES}
    assert names["contacts__sales_accounts"][:3] == ["contact_id", "sales_account_id", "is_primary"]
    assert names["deals__contacts"][:2] == ["deal_id", "contact_id"]
    assert "position" not in names["contacts__sales_accounts"] + names["deals__contacts"]


def test_lists_of_plain_values_have_their_column_value() -> None:
    table = next(table for table in TABLES if table.name == "contacts__tags")
    assert [column.name for column in table.columns] == [
        "contact_id",
        "position",
        "value",
        EMPTIED_MARKER,
        "_synced_at",
    ]


def test_only_counters_and_ages_are_volatile() -> None:
    assert CONTACTS.volatile == {"open_deals_count", "won_deals_count"}
    assert DEALS.volatile == {"age", "rotten_days"}


def test_foreign_keys_are_asked_for_by_include() -> None:
    """Each include brings `<include>_id`, but `source`, which brings `lead_source_id`, and lists."""
    for row in ENTITIES:
        columns = {column.name for column in row.columns}
        lists = {name for child in row.lists for name in (child.name, child.key)}
        for include in row.include:
            assert {"source": "lead_source_id"}.get(include, f"{include}_id") in columns or include in lists


def test_custom_columns_stand_between_the_entitys_own_and_the_connectors() -> None:
    extra = Column(
        name="cf_x",
        type=ColumnType.TEXT,
        description="A custom field.",
        confidence=Confidence.DOCUMENTED,
        is_custom=True,
    )
    names = [column.name for column in DEALS.tables((extra,))[0].columns]
    assert names[names.index("cf_x") - 1 : names.index("cf_x") + 2] == ["updated_at", "cf_x", "is_deleted"]
    assert Column.from_state(extra.as_state()).as_state() == extra.as_state()


def test_the_answer_that_knows_deleted_stages_has_the_last_word() -> None:
    read = entity("deal_stages").read
    assert isinstance(read, Selector)
    assert [answer.envelope for answer in (read, *read.also)] == ["deal_stages", "deal_pipelines.deal_stages"]
    assert entity("owners").envelope == "users"


def test_hints_for_dlt_hold_types_keys_and_descriptions() -> None:
    parent, emails, *_ = CONTACTS.tables()
    hints = dlt_columns(parent)
    assert list(hints) == [column.name for column in parent.columns]
    assert hints["id"] == {
        "name": "id",
        "data_type": "bigint",
        "nullable": False,
        "primary_key": True,
        "description": "The contact's number, the same for ever.",
    }
    assert hints["open_deals_amount"]["data_type"] == "decimal"
    assert (hints["open_deals_amount"]["precision"], hints["open_deals_amount"]["scale"]) == (38, 9)
    assert (hints["updated_at"]["data_type"], hints["updated_at"]["precision"]) == ("timestamp", 6)
    assert hints["web_form_ids"]["data_type"] == "text"
    child = dlt_columns(emails)
    assert child["contact_id"]["merge_key"] is True
    assert child[EMPTIED_MARKER]["hard_delete"] is True
    assert not any("primary_key" in hint for hint in child.values())
