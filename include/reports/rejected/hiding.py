"""Which cells must be hidden so that no small one can be known, whatever else is published or was before.

Reach for `hide`. A reader knows sums of unknown counts; each set of whole counts from 0 up that fits all of them is a
*world* that the reader cannot rule out. A small cell is safe when there is a world in which it is as low as a small
cell may be, and another in which it is no longer small. Both are searched for with the HiGHS solver, and kept as proof.
docs/decisions/small-numbers.md says why it is done in this way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import highspy
import numpy as np

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]
Atoms = tuple[int, ...]
"""Positions among the unknown counts, of which a cell is the sum."""
_PATIENCE = 300.0
"""Seconds that one search for further cells may take; all searches of a usual report take some."""


class ContradictsItself(ValueError):
    """Counts that are not those of which the earlier reports were made."""


class SolverGaveUp(RuntimeError):
    """The solver did not come to an end; nothing may be published."""


@dataclass(frozen=True)
class Fact:
    """That the sum of these counts lies between `low` and `high`; `high` None: there is no limit."""

    atoms: Atoms
    low: int
    high: int | None


@dataclass(frozen=True)
class Cell:
    """A cell that could be published. Cells of one `group` are shown or hidden together.

    low: what a reader knows of it when it is hidden: at least 1 where a zero would have been said, and so on
    weight: what hiding it costs; by its place alone, never by its value, or what is hidden would speak of the value
    """

    atoms: Atoms
    value: int
    group: str
    low: int
    weight: int
    small: bool


@dataclass(frozen=True)
class Target:
    """A small cell, published or not: a reader must think possible that it is `low`, and that it is the threshold."""

    atoms: Atoms
    low: int


@dataclass(frozen=True)
class Problem:
    """All that is known to hold, and all that could be said.

    truth: the unknown counts as they are
    equal: pairs of sums that are the same, whatever the counts
    facts: what earlier reports said, or the rules say
    secrets: sums that are not small, and that an earlier report hid for the sake of others
    """

    truth: Counts
    equal: Sequence[tuple[Atoms, Atoms]]
    facts: Sequence[Fact]
    cells: Sequence[Cell]
    targets: Sequence[Target]
    secrets: Sequence[Atoms]
    threshold: int

    @cached_property
    def ceiling(self) -> int:
        """More than any count needs to reach in a world that proves something."""
        return int(self.truth.sum()) + 2 * self.threshold


def hide(problem: Problem) -> set[str]:
    """The groups of cells to be hidden: those with a small cell, and as few others as protect every target.

    No hidden cell can be computed either. Where earlier reports alone tell more of a target than they should, nothing
    is added to what they tell.

    raises: ContradictsItself; SolverGaveUp
    """
    for fact in problem.facts:
        value = problem.truth[list(fact.atoms)].sum()
        if value < fact.low or (fact.high is not None and value > fact.high):
            raise ContradictsItself("what earlier reports said does not fit the counts that they were made of")
    small = {cell.group for cell in problem.cells if cell.small}
    worlds = _Worlds(problem, small)
    silence = _Worlds(problem, {cell.group for cell in problem.cells})
    goals: list[_Goal] = []
    proofs: list[Counts] = []
    for goal in _goals(problem):
        met = any(map(goal.met, proofs))
        found = [] if met else worlds.towards(goal)
        goals += [goal] if met or found else silence.all_that_is_left(goal)
        proofs += found
    before: set[str] | None = None
    while before != worlds.hidden:
        # What is hidden for others must not be computable itself: then it is hidden in vain.
        before = set(worlds.hidden)
        for goal in _missed(goals, proofs, before):
            world, more = _cheapest(problem, worlds.hidden, goal)
            proofs.append(world)
            worlds.hidden_too(more)
    return _without_needless(problem, worlds, goals, proofs, small)


def _without_needless(
    problem: Problem, worlds: "_Worlds", goals: Sequence["_Goal"], proofs: Sequence[Counts], small: set[str]
) -> set[str]:
    """What stays hidden when every group is shown that can be, the dearest first."""
    cost: dict[str, int] = {}
    for cell in problem.cells:
        cost[cell.group] = cost.get(cell.group, 0) + cell.weight
    for group in sorted(worlds.hidden - small, key=lambda one: (-cost[one], one)):
        if group in worlds.hidden:
            proofs = _with(group, worlds, goals, proofs, small)
    return worlds.hidden


def _with(
    group: str, worlds: "_Worlds", goals: Sequence["_Goal"], proofs: Sequence[Counts], small: set[str]
) -> Sequence[Counts]:
    """The proofs when the group is shown, and what could then be computed with it; or, if that cannot be, as before."""
    more, tried = {group}, set[str]()
    while more:
        worlds.shown_again(more)
        tried |= more
        kept = [world for world in proofs if worlds.fits(world, tried)]
        more = set()
        for goal in _missed(goals, kept, worlds.hidden):
            found = worlds.towards(goal)
            kept += found
            if not found and (goal.group is None or goal.group in small):
                worlds.hidden_too(tried)
                return proofs
            if not found and goal.group is not None:
                more.add(goal.group)
    return kept


@dataclass(frozen=True)
class _Goal:
    """That a reader must think possible that a sum is at most `most`, or at least `least`; None: that is not asked.

    group: the goal counts only while this is hidden
    """

    atoms: Atoms
    most: int | None
    least: int | None
    group: str | None = None

    def met(self, world: Counts) -> bool:
        value = int(world[list(self.atoms)].sum())
        return (self.most is not None and value <= self.most) or (self.least is not None and value >= self.least)

    @property
    def ways(self) -> list[tuple[bool, int]]:
        """Whether downwards, and to where."""
        return [(down, bound) for down, bound in ((True, self.most), (False, self.least)) if bound is not None]


def _goals(problem: Problem) -> list[_Goal]:
    found = []
    for target in problem.targets:
        found += [_Goal(target.atoms, target.low, None), _Goal(target.atoms, None, problem.threshold)]
    for atoms in problem.secrets:
        value = int(problem.truth[list(atoms)].sum())
        found.append(_Goal(atoms, value - 1, value + 1))
    for cell in problem.cells:
        if not cell.small:
            found.append(_Goal(cell.atoms, cell.value - 1, cell.value + 1, cell.group))
    return found


def _missed(goals: Sequence[_Goal], proofs: list[Counts], hidden: set[str]) -> Iterator[_Goal]:
    """The goals that no world met when their turn came; worlds may be added meanwhile."""
    for goal in goals:
        if (goal.group is None or goal.group in hidden) and not any(map(goal.met, proofs)):
            yield goal


class _Worlds:
    """The worlds that a reader cannot rule out, while `hidden` is hidden."""

    def __init__(self, problem: Problem, hidden: Iterable[str]) -> None:
        self.hidden = set(hidden)
        self._problem = problem
        self._solver = _solver(problem)
        self._first = self._solver.getNumRow()
        for cell in problem.cells:
            _add_row(self._solver, _ones(cell.atoms), *self._bounds(cell))

    def _bounds(self, cell: Cell) -> tuple[float, float]:
        return (cell.low, highspy.kHighsInf) if cell.group in self.hidden else (cell.value, cell.value)

    def hidden_too(self, groups: set[str]) -> None:
        self.hidden |= groups
        self._renew(groups)

    def shown_again(self, groups: set[str]) -> None:
        self.hidden -= groups
        self._renew(groups)

    def _renew(self, groups: set[str]) -> None:
        for number, cell in enumerate(self._problem.cells):
            if cell.group in groups:
                self._solver.changeRowBounds(self._first + number, *self._bounds(cell))

    def fits(self, world: Counts, groups: set[str]) -> bool:
        """Whether a world has the cells of these groups as they are."""
        return all(
            int(world[list(cell.atoms)].sum()) == cell.value for cell in self._problem.cells if cell.group in groups
        )

    def towards(self, goal: _Goal) -> list[Counts]:
        """A world in which the goal is met, or none."""
        return [world for down, _ in goal.ways if goal.met(world := self.furthest(goal.atoms, down))][:1]

    def all_that_is_left(self, goal: _Goal) -> list[_Goal]:
        """The goal, or as much of it as can still be met."""
        if goal.most is not None and goal.least is not None:
            return [goal] if self.towards(goal) else []
        (down, _), atoms = goal.ways[0], list(goal.atoms)
        reached = int(self.furthest(goal.atoms, down)[atoms].sum())
        if down:
            return [replace(goal, most=max(reached, goal.most or 0))]
        return [replace(goal, least=min(reached, goal.least or reached))]

    def furthest(self, atoms: Atoms, down: bool) -> Counts:
        """A world in which the sum is as low, or as high, as a reader can think."""
        columns = np.array(atoms, np.int32)
        self._solver.changeColsCost(len(columns), columns, np.full(len(columns), 1.0 if down else -1.0))
        world = _solved(self._solver)
        self._solver.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        if world is None:
            raise SolverGaveUp("HiGHS found no counts at all, though the true ones fit")
        return world


def _cheapest(problem: Problem, hidden: set[str], goal: _Goal) -> tuple[Counts, set[str]]:
    """A world in which the goal is met, and the groups that must be hidden for it beside `hidden`, the cheapest."""
    ways = [_cheapest_way(problem, hidden, goal.atoms, down, bound) for down, bound in goal.ways]
    possible = [way for way in ways if way is not None]
    if not possible:
        raise SolverGaveUp("HiGHS found nothing that protects a small count, though silence would")
    _, world, more = min(possible, key=lambda way: way[0])
    return world, more


def _cheapest_way(
    problem: Problem, hidden: set[str], atoms: Atoms, down: bool, bound: int
) -> tuple[float, Counts, set[str]] | None:
    solver = _solver(problem)
    solver.setOptionValue("time_limit", _PATIENCE)
    _add_row(solver, _ones(atoms), *((0, bound) if down else (bound, highspy.kHighsInf)))
    switch: dict[str, int] = {}
    cost: dict[str, int] = {}
    for cell in problem.cells:
        if cell.group in hidden:
            _add_row(solver, _ones(cell.atoms), cell.low, highspy.kHighsInf)
            continue
        if cell.group not in switch:
            switch[cell.group] = solver.getNumCol()
            solver.addCol(0.0, 0.0, 1.0, 0, [], [])
        column = switch[cell.group]
        cost[cell.group] = cost.get(cell.group, 0) + cell.weight
        # Shown, the cell is as it is; hidden, anything from `low` up to the ceiling.
        _add_row(solver, _ones(cell.atoms) | {column: -problem.ceiling}, -highspy.kHighsInf, cell.value)
        _add_row(solver, _ones(cell.atoms) | {column: cell.value - cell.low}, cell.value, highspy.kHighsInf)
    for group, column in switch.items():
        solver.changeColCost(column, cost[group])
    world = _solved(solver, whole=True)
    if world is None:
        return None
    values = solver.getSolution().col_value
    more = {group for group, column in switch.items() if values[column] > 0.5}
    return sum(cost[group] for group in more), world[: len(problem.truth)], more


def _solver(problem: Problem) -> highspy.Highs:
    """A solver that knows the rules and the facts."""
    solver = highspy.Highs()
    solver.silent()
    # One thread and one seed: the same counts always give the same report.
    for option, value in {"threads": 1, "random_seed": 0, "mip_rel_gap": 0.0}.items():
        solver.setOptionValue(option, value)
    count = len(problem.truth)
    solver.addVars(count, np.zeros(count), np.full(count, float(problem.ceiling)))
    for left, right in problem.equal:
        _add_row(solver, _ones(left) | dict.fromkeys(right, -1), 0, 0)
    for fact in problem.facts:
        _add_row(solver, _ones(fact.atoms), fact.low, highspy.kHighsInf if fact.high is None else fact.high)
    return solver


def _solved(solver: highspy.Highs, whole: bool = False) -> Counts | None:
    """The best world in whole numbers; None where there is none. whole: whether to ask for whole numbers at once."""
    if not whole:
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = np.array(solver.getSolution().col_value)
        if np.abs(values - values.round()).max() < 1e-6:
            return values.round().astype(np.int64)
    columns = np.arange(solver.getNumCol(), dtype=np.int32)
    before = solver.getLp().integrality_ or [highspy.HighsVarType.kContinuous] * solver.getNumCol()
    solver.changeColsIntegrality(len(columns), columns, np.full(len(columns), highspy.HighsVarType.kInteger))
    solver.run()
    found = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    world = np.array(solver.getSolution().col_value).round().astype(np.int64) if found else None
    if not whole:
        solver.changeColsIntegrality(len(columns), columns, np.array(before))
    return world


def _ones(atoms: Atoms) -> dict[int, int]:
    return dict.fromkeys(atoms, 1)


def _add_row(solver: highspy.Highs, terms: Mapping[int, int], low: float, high: float) -> None:
    terms = {column: factor for column, factor in terms.items() if factor}
    columns, factors = np.array(list(terms), np.int32), np.array(list(terms.values()), float)
    solver.addRow(float(low), float(high), len(columns), columns, factors)
