"""Records that belong together stay together when they are cut into portions."""

from __future__ import annotations

from stsync.state import Groups


def portions(groups: Groups, size: int, first: tuple[tuple[str, str], ...] = ()) -> list[dict[str, list[str]]]:
    return [groups.portion(number) for number in range(groups.cut(size, first))]


def test_a_group_is_never_cut() -> None:
    with Groups() as groups:
        groups.add(("invoices", str(one), f"customer {one % 3}") for one in range(12))
        cut = portions(groups, 5)
    assert [sorted(int(one) % 3 for one in part["invoices"]) for part in cut] == [[0] * 4, [1] * 4, [2] * 4]


def test_small_groups_share_a_portion_in_the_order_of_their_records() -> None:
    with Groups() as groups:
        groups.add(("invoices", str(one), f"customer {one}") for one in range(7))
        assert [part["invoices"] for part in portions(groups, 3)] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_what_comes_first_is_one_portion_however_much_it_is() -> None:
    with Groups() as groups:
        groups.add(("payments", str(one), f"customer {one}") for one in range(6))
        cut = portions(groups, 2, (("payments", "1"), ("payments", "3"), ("payments", "5"), ("payments", "none")))
    assert [part["payments"] for part in cut] == [["1", "3", "5"], ["0", "2"], ["4"]]


def test_ties_tell_which_groups_have_to_do_with_each_other() -> None:
    with Groups() as groups:
        groups.add([("invoices", "1", "Ann"), ("payments", "9", "Bob"), ("payments", "8", "Ann")])
        groups.tie([("Bob", "invoices", "1"), ("Ann", "invoices", "1"), ("Bob", "invoices", "7")])
        assert list(groups.across()) == [("Bob", "Ann")]
        assert list(groups.outside("invoices")) == [("7", "Bob")]
        groups.merge({"Bob": "Ann"})
        assert portions(groups, 1) == [{"invoices": ["1"], "payments": ["9", "8"]}]


def test_nothing_is_no_portion() -> None:
    with Groups() as groups:
        assert portions(groups, 5) == []
