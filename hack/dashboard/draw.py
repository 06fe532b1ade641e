"""A picture of each panel over the recorded hour, as SVG: the same recording gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from hack.dashboard.engine import Series
from hack.dashboard.panels import HOUR, STEP_SECONDS, Panel

WIDTH, HEIGHT, STAT_HEIGHT = 760, 280, 150
LEFT, TOP, BOTTOM, LEGEND = 64, 34, 26, 230
"""Room for the numbers, the title, the minutes, and the legend."""
LINE = 16
"""Height of a line of the legend."""
MOST = 14
"""Series that a picture has room for. Of more it leaves out those that stayed 0, then those that changed least."""
_COLORS = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2",
    "#7f7f7f", "#bcbd22", "#17becf", "#393b79", "#8c6d31", "#843c39", "#ad494a",
)  # fmt: skip

Samples = Sequence[tuple[float, float]]


def picture(panel: Panel, answers: Mapping[str, Sequence[Series]]) -> str:
    """Return the picture of a panel, from what its queries gave."""
    lines = [
        (target.title(series.labels), series.samples)
        for target in panel.targets
        for series in answers[target.name]
        if series.samples
    ]
    shown = sorted(_chosen(lines))
    left = len(lines) - len(shown)
    title = panel.title + (f" (not shown: {left} series that changed less or stayed 0)" if left else "")
    stat = panel.kind == "stat"
    if stat and shown:
        title += f": {_number(shown[0][1][-1][1], panel.unit)}"
    height = STAT_HEIGHT if stat else HEIGHT
    right = WIDTH - (28 if stat else LEGEND)
    tick, highest = _scale(max((value for _, samples in shown for _, value in samples), default=0.0))
    frame = _Frame(right, height - BOTTOM, highest)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#333">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        *_axes(frame, tick, panel.unit),
    ]
    for color, (_, samples) in zip(_COLORS, shown, strict=False):
        for stretch in _stretches(samples):
            points = " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in stretch)
            parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    if not stat:
        parts += _legend(right + 18, [name for name, _ in shown])
    return "\n".join([*parts, "</svg>\n"])


class _Frame:
    """Where a second and a value are in the picture."""

    def __init__(self, right: float, bottom: float, highest: float) -> None:
        self.right, self.bottom, self.highest = right, bottom, highest

    def x(self, second: float) -> float:
        return LEFT + (self.right - LEFT) * min(second / HOUR, 1)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - TOP) * value / self.highest


def _axes(frame: _Frame, tick: float, unit: str) -> Iterator[str]:
    for number in range(round(frame.highest / tick) + 1):
        y = frame.y(number * tick)
        color = "#ddd" if number else "#333"
        yield f'<path d="M{LEFT} {y:.1f}H{frame.right}" stroke="{color}"/>'
        text = _number(number * tick, unit)
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    for quarter in range(5):
        x = frame.x(quarter * HOUR / 4)
        yield f'<text x="{x:.1f}" y="{frame.bottom + 16}" text-anchor="middle">{15 * quarter} min</text>'


def _legend(left: float, names: Sequence[str]) -> Iterator[str]:
    for place, (color, name) in enumerate(zip(_COLORS, names, strict=False)):
        y = TOP + LINE * place
        short = name if len(name) <= 32 else f"{name[:31]}…"
        yield f'<rect x="{left}" y="{y}" width="10" height="10" fill="{color}"/>'
        yield f'<text x="{left + 16}" y="{y + 9}">{escape(short)}</text>'


def _stretches(samples: Samples) -> Iterator[Samples]:
    """Cut where there was nothing for a while; one sample alone becomes a dash."""
    start = 0
    for place in range(1, len(samples) + 1):
        if place == len(samples) or samples[place][0] - samples[place - 1][0] > 1.5 * STEP_SECONDS:
            stretch = samples[start:place]
            yield stretch if len(stretch) > 1 else [stretch[0], (stretch[0][0] + STEP_SECONDS / 2, stretch[0][1])]
            start = place


def _chosen(lines: Sequence[tuple[str, Samples]]) -> Sequence[tuple[str, Samples]]:
    if len(lines) <= MOST:
        return lines
    above = [line for line in lines if any(value for _, value in line[1])]
    return sorted(above, key=lambda line: (-_moved(line[1]), line[0]))[:MOST]


def _moved(samples: Samples) -> float:
    values = [value for _, value in samples]
    return max(values) - min(values)


def _scale(highest: float) -> tuple[float, float]:
    """Return the distance of the lines, a round number, and the top one."""
    if highest <= 0:
        return 1.0, 1.0
    power = 10.0 ** math.floor(math.log10(highest / 4))
    tick = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power * 4 >= highest * 0.999)
    return tick, tick * math.ceil(highest / tick - 0.001)


def _number(value: float, unit: str) -> str:
    suffix = {"s": " s", "reqps": "/s", "ops": "/s"}.get(unit, "")
    return f"{value:.3g}{suffix}" if value < 1000 else f"{value:.0f}{suffix}"
