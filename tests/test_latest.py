"""Which answer is loaded when several pages of one load carry a record."""

from freshsales_source.walk import Sighting, latest


def page(*rows: tuple[int, int], source: str = "open") -> Sighting:
    return Sighting(ids=[i for i, _ in rows], stamps=[s for _, s in rows], source=source)


def test_within_one_list_the_last_answer_wins_even_with_an_older_stamp() -> None:
    assert latest([page((1, 50), (2, 40)), page((2, 30), (3, 20))]) == [[0], [0, 1]]


def test_between_lists_the_larger_stamp_wins_however_the_answers_arrived() -> None:
    older, newer = page((1, 50), source="upcoming"), page((1, 60), source="past")
    assert latest([older, newer]) == [[], [0]]
    assert latest([newer, older]) == [[0], []]


def test_between_lists_equal_stamps_leave_it_to_the_last_answer() -> None:
    assert latest([page((1, 50)), page((1, 50), source="bin")]) == [[], [0]]


def test_an_id_that_was_handed_over_before_is_left_out() -> None:
    assert latest([page((1, 50), (2, 40))], loaded={1}) == [[1]]
