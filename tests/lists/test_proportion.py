import pytest

from include.arrangements.models import Proportion
from include.lists.proportion import Figures, covered_by, out_of_line

DEFAULT = Proportion()


def figures(open_entries=100, largest=20, first=False, missing=None, **notices):
    return Figures(notices, open_entries, largest, first, missing or {})


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        (figures(NEW=1, first=True), "first"),
        (figures(CANCELLED=21), "cancelled"),
        (figures(open_entries=40, CANCELLED=11), "cancelled"),
        (figures(NEW=61), "size"),
        (figures(NEW=11, largest=0), "size"),
        (figures(NEW=1, missing={"GRC": (11, 100), "NER": (1, 100)}), "missing GRC"),
    ],
)
def test_out_of_proportion(given, finding):
    assert list(out_of_line(given, DEFAULT)) == [finding]


@pytest.mark.parametrize(
    "given",
    [
        figures(CANCELLED=20),  # not more than a fifth
        figures(open_entries=12, CANCELLED=10),  # most of them, and yet not more than ten
        figures(NEW=60),  # three times the largest, not more
        figures(NEW=10, largest=1),
        figures(NEW=1, missing={"GRC": (10, 100)}),
        figures(),
    ],
)
def test_in_proportion(given):
    assert out_of_line(given, DEFAULT) == {}


def test_an_office_may_arrange_other_limits():
    wide = Proportion(cancelled_share=0.5, times_largest=10, at_least=30)
    assert out_of_line(figures(CANCELLED=40, open_entries=100), wide) == {}
    assert list(out_of_line(figures(CANCELLED=51, open_entries=100), wide)) == ["cancelled"]


def test_what_a_person_approved_covers_what_they_saw_and_a_little_more():
    seen = figures(NEW=70, CANCELLED=5)
    assert covered_by(seen, DEFAULT, seen.as_dict())
    assert covered_by(figures(NEW=77, CANCELLED=6), DEFAULT, seen.as_dict())
    assert not covered_by(figures(NEW=90, CANCELLED=5), DEFAULT, seen.as_dict())
    assert not covered_by(figures(NEW=70, CANCELLED=50), DEFAULT, seen.as_dict())


def test_an_approval_does_not_cover_what_is_out_of_proportion_in_another_way():
    seen = figures(NEW=70)
    gone = figures(NEW=70, missing={"GRC": (50, 100)})
    assert not covered_by(gone, DEFAULT, seen.as_dict())
    assert covered_by(gone, DEFAULT, gone.as_dict())
