"""Bars as SVG: one picture a comparison, written by hand, so that nothing has to be installed to draw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, HEIGHT, TOP = 880, 350, 110, 30, 76
OURS, OTHERS, LIMIT, INK, FAINT = "#0b7a75", "#b9c2cc", "#c0392b", "#1f2933", "#6b7785"


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with its name; ours stand out."""

    name: str
    value: float
    ours: bool = False


def bars(title: str, note: str, unit: str, rows: Sequence[Bar], limit: float | None = None) -> str:
    """A picture of horizontal bars; `limit` is a goal, drawn as a line across all of them."""
    most = max([each.value for each in rows] + ([limit] if limit else [])) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / most
    bottom = TOP + HEIGHT * len(rows)
    shapes = [_bar(each, TOP + HEIGHT * number, scale) for number, each in enumerate(rows)]
    words = [_words(each, TOP + HEIGHT * number, scale, unit) for number, each in enumerate(rows)]
    if limit:
        at = LEFT + limit * scale
        line = f'x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{bottom}"'
        shapes.append(f'<line {line} stroke="{LIMIT}" stroke-dasharray="4 3"/>')
        words.append(_text(at, TOP - 12, f"goal {limit:g}{unit}", LIMIT, 12, "middle"))
    drawn = shapes + words
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 16}" width="{WIDTH}" '
        f'font-family="Segoe UI, Helvetica, Arial, sans-serif" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f"{_text(20, 28, title, INK, 17, weight=600)}\n{_text(20, 48, note, FAINT, 12)}\n"
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _bar(row: Bar, top: float, scale: float) -> str:
    colour, width = OURS if row.ours else OTHERS, max(row.value * scale, 1.5)
    return f'<rect x="{LEFT}" y="{top + 5}" width="{width:.1f}" height="{HEIGHT - 10}" rx="2" fill="{colour}"/>'


def _words(row: Bar, top: float, scale: float, unit: str) -> str:
    middle, weight = top + HEIGHT / 2 + 4, 600 if row.ours else 400
    name = _text(LEFT - 10, middle, row.name, INK, 13, "end", weight)
    return name + _text(LEFT + row.value * scale + 8, middle, f"{_short(row.value)}{unit}", INK, 13, weight=weight)


def _short(value: float) -> str:
    """Three digits of it, or all before the point."""
    decimals = sum(value < least for least in (10, 100))
    return f"{value:,.{decimals}f}"


def _text(x: float, y: float, said: str, colour: str, size: int, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}" paint-order="stroke" stroke="#ffffff" stroke-width="4">{escape(said)}</text>'
    )
