"""People as they are, before any clerk wrote them down: families, twins, lone travellers, and those who resemble them.

Reach for `make_people` for any number of people, for `siblings_of` and `namesakes_of` for the ones that a matcher may
confuse with them. Names are numbers of words in the lexicon (`naming`); how they are written is `spelling`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from include.sample.chance import Chance, Ints, Truths
from include.sample.naming import NONE, Habit, Naming, Pool

MALE, FEMALE = 0, 1
ALONE, PARENT, SPOUSE, CHILD, SIBLING = range(5)
_SIZES = {"alone": 0.58, "couple": 0.25, "one_parent": 0.06, "siblings": 0.11}
_YEAR = 365.25

Dates = NDArray[np.datetime64]


@dataclass(frozen=True)
class People:
    """Columns of equal length, one element for each person. Names are word numbers, NONE where there is none."""

    id: Ints
    habit: Ints
    nationality: Ints
    """Position in the host country's list of nationalities."""
    sex: Ints
    role: Ints
    group: Ints
    """People who travel together share one."""
    given: Ints
    second_given: Ints
    family: Ints
    second_family: Ints
    father: Ints
    second_father: Ints
    grandfather: Ints
    mother: Ints
    place: Ints
    birth: Dates
    guessed: Truths
    """The birth date is somebody's guess: the first of January."""

    def __len__(self) -> int:
        return len(self.id)

    def take(self, positions: Ints) -> "People":
        """The people at `positions`."""
        return People(**{column.name: getattr(self, column.name)[positions] for column in fields(self)})


def join(parts: Sequence[People]) -> People:
    """All of `parts` in one."""
    return People(
        **{column.name: np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(People)}
    )


@dataclass(frozen=True)
class Origin:
    """Where the people of a host country come from: one entry for each nationality and naming habit."""

    nationality: int
    habit: int
    weight: float


def make_people(
    chance: Chance, naming: Naming, origins: Sequence[Origin], count: int, today: dt.date, first_id: int
) -> People:
    """`count` people in families of one to six.

    chance: what sets this batch apart from every other
    first_id: the id of the first person and of the first family; ids rise by one
    returns: the same people for the same arguments, families together, parents first
    """
    families = np.arange(first_id, first_id + count)
    kind = chance.weighted("kind", families, list(_SIZES.values()))
    children = chance.weighted("children", families, [0.25, 0.25, 0.25, 0.15, 0.1])
    size = np.select([kind == 1, kind == 2, kind == 3], [2 + children, 2 + children // 2, 2 + children // 3], 1)
    ends = np.cumsum(size)
    families = families[: int(np.searchsorted(ends, count)) + 1]
    group = np.repeat(np.arange(len(families)), size[: len(families)])[:count]
    order = np.arange(count) - (ends - size)[group]
    ids = np.arange(first_id, first_id + count)
    kind_of = kind[group]
    role = np.select(
        [kind_of == 0, kind_of == 3, order == 0, (kind_of == 1) & (order == 1)], [ALONE, SIBLING, PARENT, SPOUSE], CHILD
    )

    origin = chance.weighted("origin", families, [origin.weight for origin in origins])[group]
    habit = np.array([origin.habit for origin in origins], dtype=np.int64)[origin]
    nationality = np.array([origin.nationality for origin in origins], dtype=np.int64)[origin]

    head_is_woman = np.where(kind == 2, chance.below("woman", np.arange(first_id, first_id + count), 0.7), False)[
        : len(families)
    ]
    sex = np.where(chance.below("sex", ids, 0.3), FEMALE, MALE)
    sex = np.where(role == CHILD, np.where(chance.below("girl", ids, 0.48), FEMALE, MALE), sex)
    sex = np.where(role == PARENT, np.where(head_is_woman[group], FEMALE, MALE), sex)
    sex = np.where(role == SPOUSE, FEMALE, sex)

    birth, twin = _births(chance, families, ids, group, order, role, today)
    sex[twin] = sex[np.flatnonzero(twin) - 1]
    # A family is registered in one sitting: either all birth dates are guessed or most are known.
    inclined = np.array([known.guessed_birthdays for known in naming.habits])[habit]
    guesser = chance.uniform("guesser", families)[group]
    guessed = np.where(chance.below("alone in guessing", ids, 0.15), chance.uniform("guessed", ids), guesser) < inclined
    birth = np.where(guessed, birth.astype("datetime64[Y]").astype("datetime64[D]"), birth)
    guessed[twin] = guessed[np.flatnonzero(twin) - 1]
    birth[twin] = birth[np.flatnonzero(twin) - 1]

    blank = np.full(count, NONE, dtype=np.int64)
    people = People(
        id=ids, habit=habit, nationality=nationality, sex=sex, role=role, group=families[group],
        given=blank.copy(), second_given=blank.copy(), family=blank.copy(), second_family=blank.copy(),
        father=blank.copy(), second_father=blank.copy(), grandfather=blank.copy(), mother=blank.copy(),
        place=blank.copy(), birth=birth, guessed=guessed,
    )  # fmt: skip
    for number, known in enumerate(naming.habits):
        members = np.flatnonzero(habit == number)
        if len(members):
            _name(people, members, known, chance)
    _set_apart(people, naming, chance)
    return people


def siblings_of(people: People, naming: Naming, chance: Chance, first_id: int, twin: Truths, today: dt.date) -> People:
    """For each of `people` a brother or sister: another given name, the same parents; a twin where asked."""
    ids = np.arange(first_id, first_id + len(people))
    years = chance.whole("years apart", ids, 1, 7) * np.where(chance.below("older", ids, 0.5), -1, 1)
    shift = (years * _YEAR).astype(np.int64) + chance.whole("days apart", ids, 0, 90)
    # Nobody is born in the future: the younger sibling of a small child is a newborn.
    apart = np.minimum(people.birth + shift.astype("timedelta64[D]"), np.datetime64(today) - 20)
    birth = np.where(people.guessed, apart.astype("datetime64[Y]").astype("datetime64[D]"), apart)
    siblings = replace(
        people,
        id=ids,
        sex=np.where(twin, people.sex, np.where(chance.below("sex", ids, 0.4), FEMALE, MALE)),
        role=np.full(len(ids), SIBLING),
        group=ids,
        birth=np.where(twin, people.birth, birth),
        given=people.given.copy(),
        second_given=people.second_given.copy(),
    )
    for number, habit in enumerate(naming.habits):
        members = np.flatnonzero(siblings.habit == number)
        _draw_given(siblings, members, habit, chance)
    for attempt in range(8):
        same = np.flatnonzero((siblings.given == people.given) & (siblings.sex == people.sex))
        _redraw_given(siblings, same, naming, chance.child(f"again {attempt}"))
    return siblings


def namesakes_of(people: People, naming: Naming, chance: Chance, first_id: int) -> People:
    """For each of `people` a stranger of the same name and year of birth, with other parents, mostly elsewhere."""
    ids = np.arange(first_id, first_id + len(people))
    day = people.birth.astype("datetime64[Y]").astype("datetime64[D]")
    day = day + np.where(people.guessed, 0, chance.whole("day", ids, 0, 365)).astype("timedelta64[D]")
    # Nobody is born in the future: the stranger of this year's baby is a year older.
    this_year = people.birth >= people.birth.max().astype("datetime64[Y]").astype("datetime64[D]")
    day = np.where(this_year, day - 365, day)
    strangers = replace(
        people,
        id=ids,
        role=np.full(len(ids), ALONE),
        group=ids,
        birth=day,
        father=people.father.copy(),
        second_father=people.second_father.copy(),
        grandfather=people.grandfather.copy(),
        mother=people.mother.copy(),
        place=people.place.copy(),
    )
    for number, habit in enumerate(naming.habits):
        members = np.flatnonzero(strangers.habit == number)
        if len(members):
            _draw_parents(strangers, members, habit, chance)
            strangers.place[members] = _from(habit.places, chance, "place", ids[members])
    for attempt in range(8):
        same = np.flatnonzero(strangers.father == people.father)
        for number in np.unique(strangers.habit[same]).tolist():
            members = same[strangers.habit[same] == number]
            _draw_parents(strangers, members, naming.habits[number], chance.child(f"again {attempt}"))
    return strangers


def _births(
    chance: Chance, families: Ints, ids: Ints, group: Ints, order: Ints, role: Ints, today: dt.date
) -> tuple[Dates, Truths]:
    """Birth dates, and who is the twin of the person before."""
    young = chance.uniform("age", families) ** 1.7
    head = (17 + 38 * young)[group]
    alone = 15 + 40 * chance.uniform("own age", ids) ** 1.6
    parent = head + 4
    # The children of young parents are few years apart, and none is born in the future.
    eldest = np.clip(parent - 19 - 6 * chance.uniform("first child", families)[group], 1.5, 17.5)
    members = np.bincount(group)[group]
    apart = np.minimum(2.1, eldest / members)
    years = np.select(
        [role == ALONE, role == PARENT, role == SPOUSE, role == SIBLING],
        [alone, parent, np.maximum(parent - 6 + 8 * chance.uniform("spouse", ids), 17), head - 2.1 * order],
        eldest - apart * (order - 1 + 0.6 * chance.uniform("gap", ids)),
    )
    days = (years * _YEAR).astype(np.int64) + 10
    birth = np.datetime64(today, "D") - days.astype("timedelta64[D]")
    follows = np.zeros(len(ids), dtype=bool)
    follows[1:] = (group[1:] == group[:-1]) & (role[1:] == role[:-1])
    twin = follows & np.isin(role, [CHILD, SIBLING]) & chance.below("twin", ids, 0.07)
    # No triplets: the one before must not be a twin already.
    twin[1:] &= ~twin[:-1]
    birth[twin] = birth[np.flatnonzero(twin) - 1]
    return birth, twin


def _from(pool: Pool, chance: Chance, purpose: str, ids: Ints) -> Ints:
    return pool.words[chance.weighted(purpose, ids, pool.weights)]


def _name(people: People, members: Ints, habit: Habit, chance: Chance) -> None:
    """Fill in the names of `members`, who all have `habit`."""
    ids, group, role, sex = (column[members] for column in (people.id, people.group, people.role, people.sex))
    _draw_given(people, members, habit, chance)
    _draw_parents(people, members, habit, chance)
    people.place[members] = np.where(
        chance.below("born abroad", group, 0.12),
        _from(habit.places_abroad, chance, "abroad", group),
        _from(habit.places, chance, "home", group),
    )

    first = np.searchsorted(group, group)
    head_is_man = sex[first] == MALE
    child, spouse = role == CHILD, role == SPOUSE
    sibling = role == SIBLING
    # Brothers and sisters have their parents in common; so have children, with the parents who stand before them.
    for column in (people.father, people.second_father, people.grandfather, people.mother):
        column[members] = np.where(sibling, column[members][first], column[members])
    wife = np.minimum(first + 1, len(members) - 1)
    has_wife = (role[wife] == SPOUSE) & (group[wife] == group)
    given, second = people.given[members], people.second_given[members]
    people.father[members] = np.where(child & head_is_man, given[first], people.father[members])
    people.second_father[members] = np.where(child & head_is_man, second[first], people.second_father[members])
    people.grandfather[members] = np.where(
        child & head_is_man, people.father[members][first], people.grandfather[members]
    )
    mother = np.where(head_is_man, given[wife], given[first])
    people.mother[members] = np.where(child & (has_wife | ~head_is_man), mother, people.mother[members])
    alike = child & ~head_is_man
    # A mother alone: her children still share one father.
    eldest = np.minimum(first + 1, len(members) - 1)
    for column in (people.father, people.second_father, people.grandfather):
        column[members] = np.where(alike, column[members][eldest], column[members])

    if habit.family_kind == "father":
        people.family[members] = people.father[members]
        return
    own = _from(habit.families, chance, "family", group)
    other = _from(habit.families, chance, "other family", group)
    third = _from(habit.families, chance, "third family", group)
    if habit.family_kind == "two":
        people.family[members] = np.where(spouse, other, own)
        people.second_family[members] = np.where(spouse | (role == PARENT), third, other)
        return
    family = np.where(spouse & habit.wife_keeps_name, other, own)
    nameless = chance.uniform("nameless", group)
    nameless = np.where(chance.below("unlike the family", ids, 0.1), chance.uniform("own nameless", ids), nameless)
    family = np.where(nameless < habit.no_family_name, NONE, family)
    if habit.feminine:
        women = sex == FEMALE
        family = np.where(women, [habit.feminine.get(name, name) for name in family.tolist()], family)
    people.family[members] = family


def _draw_given(people: People, members: Ints, habit: Habit, chance: Chance) -> None:
    ids, women = people.id[members], people.sex[members] == FEMALE
    people.given[members] = np.where(
        women, _from(habit.female, chance, "woman's name", ids), _from(habit.male, chance, "man's name", ids)
    )
    second = np.where(
        women,
        _from(habit.second_female, chance, "woman's second", ids),
        _from(habit.second_male, chance, "man's second", ids),
    )
    has_second = chance.below("has second", ids, habit.double_given) & (second != people.given[members])
    people.second_given[members] = np.where(has_second, second, NONE)


def _redraw_given(people: People, members: Ints, naming: Naming, chance: Chance) -> None:
    for number in np.unique(people.habit[members]).tolist():
        _draw_given(people, members[people.habit[members] == number], naming.habits[number], chance)


def _draw_parents(people: People, members: Ints, habit: Habit, chance: Chance) -> None:
    ids = people.id[members]
    people.father[members] = _from(habit.male, chance, "father", ids)
    second = _from(habit.second_male, chance, "father's second", ids)
    has_second = chance.below("father has second", ids, habit.double_given) & (second != people.father[members])
    people.second_father[members] = np.where(has_second, second, NONE)
    people.grandfather[members] = _from(habit.male, chance, "grandfather", ids)
    people.mother[members] = _from(habit.female, chance, "mother", ids)


def _set_apart(people: People, naming: Naming, chance: Chance) -> None:
    """Nobody has two children, or a brother, of the same name."""
    for attempt in range(8):
        same = np.zeros(len(people), dtype=bool)
        for back in range(1, 6):
            if back < len(people):
                same[back:] |= (
                    (people.group[back:] == people.group[:-back])
                    & (people.given[back:] == people.given[:-back])
                    & (people.role[back:] >= CHILD)
                )
        again = np.flatnonzero(same)
        if not len(again):
            return
        _redraw_given(people, again, naming, chance.child(f"apart {attempt}"))
