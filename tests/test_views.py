import pytest

from freshsales_source.errors import SavedViewNotFound
from freshsales_source.pages.views import View, choose, find, find_bin

ALL = View(id=1, name="All Contacts", is_default=True)
TWIN = View(id=2, name="All Contacts")
MINE = View(id=3, name="My Contacts", is_default=True)


def test_a_view_is_found_by_name_by_id_and_in_other_letters() -> None:
    seen = (ALL, MINE)
    assert choose("contacts", ("My Contacts", 1, " all contacts "), seen) == (MINE, ALL, ALL)


def test_of_two_views_with_one_name_the_one_that_freshsales_made_is_read() -> None:
    assert find("contacts", "All Contacts", (TWIN, ALL)) == ALL


def test_two_views_with_one_name_that_people_made_are_told_apart_by_id_only() -> None:
    seen = (TWIN, View(id=4, name="All Contacts"))
    with pytest.raises(SavedViewNotFound, match=r"2 saved views named .*\(2, 4\).*Set views.contacts"):
        find("contacts", "All Contacts", seen)
    assert find("contacts", 4, seen).id == 4


def test_a_view_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SavedViewNotFound, match=r'"All Contacts"; found "My Contacts" \(3\)'):
        find("contacts", "All Contacts", (MINE,))


def test_without_the_recycle_bin_the_error_says_what_is_lost() -> None:
    with pytest.raises(SavedViewNotFound, match=r"deletions cannot be seen.*views.contacts_bin"):
        find_bin("contacts", "Recycle Bin", (ALL,))
