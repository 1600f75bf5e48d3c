"""Charts as SVG, drawn here so that no script and no other host is needed: on a page, and as a file to be saved.

Colours stand twice: as attributes, for the file that is saved, and as classes, which a page's style overrides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # they write XML and read none

_WIDTH, _HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 44, 16, 40
_BAR, _LINE, _INK, _GRID = "#7b9ad0", "#c2410c", "#334155", "#cbd5e1"


@dataclass(frozen=True)
class Point:
    """One step on the axis of time: a volume, and a lead time where one is known."""

    label: str
    volume: int
    lead: float | None


def lead_and_volume(points: Sequence[Point], *, title: str, volume: str, lead: str) -> str:
    """Volume as columns (scale on the left) and lead time in days as a line (scale on the right), in order of time.

    title, volume, lead: what it shows, in the reader's language; the title is what a screen reader says
    """
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    most = _round_up(max((point.volume for point in points), default=0))
    leads = [point.lead for point in points if point.lead is not None]
    longest, shortest = _round_up(max(leads, default=0)), min(0, -_round_up(-min(leads, default=0)))
    step = width / max(1, len(points))

    def at(index: int) -> float:
        return _LEFT + step * (index + 0.5)

    def lead_y(value: float) -> float:
        return _TOP + height * (longest - value) / (longest - shortest)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label={quoteattr(title)} font-family="Inter, ui-sans-serif, system-ui, sans-serif" font-size="11">'
    ]
    for share in (0, 0.5, 1):
        y = _TOP + height * (1 - share)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{most * share:g}", "end"))
        parts.append(_text(_WIDTH - _RIGHT + 6, y + 4, f"{shortest + (longest - shortest) * share:g}", "start"))
    for index, point in enumerate(points):
        tall = height * point.volume / most
        bar = max(1.0, min(28.0, step * 0.7))
        parts.append(
            f'<rect class="bar" x="{at(index) - bar / 2:.1f}" y="{_TOP + height - tall:.1f}" width="{bar:.1f}" '
            f'height="{tall:.1f}" fill="{_BAR}"><title>{escape(_said(point, volume, lead))}</title></rect>'
        )
    known = [(at(index), lead_y(point.lead)) for index, point in enumerate(points) if point.lead is not None]
    if known:
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in known)
        parts.append(f'<path class="line" d="M{line}" fill="none" stroke="{_LINE}" stroke-width="2"/>')
        parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{_LINE}"/>' for x, y in known]
    every = max(1, -(-len(points) // 8))
    parts += [_text(at(index), _HEIGHT - 22, points[index].label, "middle") for index in range(0, len(points), every)]
    parts.append(f'<rect class="bar" x="{_LEFT}" y="{_HEIGHT - 12}" width="10" height="8" fill="{_BAR}"/>')
    parts.append(_text(_LEFT + 15, _HEIGHT - 4, volume, "start"))
    middle = _WIDTH // 2
    parts.append(f'<path class="line" d="M{middle} {_HEIGHT - 8}h14" stroke="{_LINE}" stroke-width="2"/>')
    parts.append(_text(middle + 20, _HEIGHT - 4, lead, "start"))
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True)
class Step:
    """One step of a waterfall: what it adds to the weight so far."""

    label: str
    weight: float


def waterfall(steps: Sequence[Step], *, title: str, total: str) -> str:
    """From the weight before anything was compared to the weight of all together, step by step, top to bottom.

    steps: the first is where it starts; total: the label of the sum
    """
    row, label_width, end_width = 26, 170, 60
    reached = [0.0]
    for step in steps:
        reached.append(reached[-1] + step.weight)
    low, high = min(reached), max(*reached, 1.0)
    width = _WIDTH - label_width - end_width

    def x(value: float) -> float:
        return label_width + width * (value - low) / (high - low)

    height = row * (len(steps) + 1) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label={quoteattr(title)} font-family="Inter, ui-sans-serif, system-ui, sans-serif" font-size="12">',
        f'<path class="grid" d="M{x(0):.1f} 0V{height}" stroke="{_GRID}"/>',
    ]
    rows = [(step.label, before, after) for step, before, after in zip(steps, reached, reached[1:], strict=False)]
    for number, (label, start, end) in enumerate([*rows, (total, 0.0, reached[-1])]):
        y = 4 + row * number
        kind, colour = ("for", "#15803d") if end >= start else ("against", "#b91c1c")
        left, right = sorted((x(start), x(end)))
        parts.append(_text(label_width - 8, y + 15, label, "end"))
        parts.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{y + 3}" width="{max(1.0, right - left):.1f}" height="16" '
            f'fill="{colour}"/>'
        )
        parts.append(_text(right + 6, y + 15, f"{end - start:+.1f}", "start"))
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}">{escape(words)}</text>'


def _said(point: Point, volume: str, lead: str) -> str:
    days = "" if point.lead is None else f", {lead}: {point.lead:g}"
    return f"{point.label}: {volume}: {point.volume}{days}"


def _round_up(value: float) -> float:
    """The next number on a scale that people read easily; at least 2."""
    for step in (2, 4, 6, 10, 20, 40, 60, 100, 200, 400, 600, 1000, 2000, 4000, 10_000, 20_000, 40_000, 100_000):
        if value <= step:
            return step
    return value
