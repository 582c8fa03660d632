"""Lists that several objects carry: the child tables they become, written once."""

from __future__ import annotations

from freshsales_source.entities.dropped import DESTROY
from freshsales_source.schema.columns import Child, ColumnType, Confidence
from freshsales_source.schema.entity_columns.activities import TARGETABLE_COLUMNS
from freshsales_source.schema.entity_columns.contacts import EMAIL_COLUMNS, PHONE_NUMBER_COLUMNS
from freshsales_source.schema.entity_columns.words import one_column


def text_list(name: str, description: str, confidence: Confidence) -> Child:
    """A list of bare texts."""
    column = one_column(ColumnType.TEXT, "The text.", confidence)
    return Child(name=name, columns=(column,), is_plain=True, description=description, confidence=confidence)


TAGS = text_list("tags", "Tags of the record, in the API's order.", Confidence.RECORDED)

TEAM_USERS = Child(
    name="team_user_ids",
    columns=(one_column(ColumnType.ID, "Id of an owner.", Confidence.SEVERAL_CLIENTS),),
    is_plain=True,
    description="Users who share the record beside its owner: null or a list of ids.",
    confidence=Confidence.RECORDED,
    references=(("value", "owners"),),
)

EMAILS = Child(
    name="emails",
    columns=EMAIL_COLUMNS,
    description="E-mail addresses of the person.",
    confidence=Confidence.RECORDED,
    dropped=(DESTROY,),
)

PHONE_NUMBERS = Child(
    name="phone_numbers",
    columns=PHONE_NUMBER_COLUMNS,
    description="Further telephone numbers of the person, beside `work_number` and `mobile_number`.",
    confidence=Confidence.DOCUMENTED,
    dropped=(DESTROY,),
)

TARGETABLES = Child(
    name="targetables",
    columns=TARGETABLE_COLUMNS,
    description="The contacts, accounts, deals or leads the record hangs on.",
    confidence=Confidence.RECORDED,
    is_link=True,
)
