"""The crossover as an SVG: what descent reaches against the reliability of its diagnosis, beside the tree's level."""

from dataclasses import dataclass, field

from benchmarks.ablation.statistics import Interval
from gome.report.axes import Scale, nice_ticks, padded, tick_texts

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 64, 600, 24, 340
NAME_HEIGHT = 16
INK, GREY, BLUE, ORANGE = "#222", "#888", "#2563a8", "#c25b12"


@dataclass
class Drawing:
    """SVG elements in the order in which they are drawn."""

    parts: list[str] = field(default_factory=list)

    def line(
        self, points: list[tuple[float, float]], colour: str, width: float = 1.0, dash: str = ""
    ) -> None:
        """A line through points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        style = f'stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}" fill="none"'
        self.parts.append(f'<polyline points="{path}" {style}/>')

    def text(self, x: float, y: float, text: str, anchor: str = "middle", colour: str = INK) -> None:
        """Text, its baseline's anchor at (x, y)."""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{text}</text>')

    def svg(self, title: str) -> str:
        """The whole picture on white, so that it reads on dark pages too."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="13"><title>{title}</title>'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        )
        return "\n".join([head, *self.parts, "</svg>", ""])


def crossover(
    tree: Interval,
    gradient: dict[float, Interval],
    *,
    axis: str,
    note: str,
    meaning: str = "reliability p: share of diagnoses that are not random",
) -> str:
    """The picture; `axis` says of what, `meaning` what the dial is.

    Keys are reliabilities from 0 to 1; bars and the band are 95 % intervals."""
    known = [tree, *gradient.values()]
    low, high = padded([v for i in known for v in (i.low, i.high)])
    x, y = Scale(-0.06, 1.06, LEFT, RIGHT), Scale(low, high, BOTTOM, TOP)
    drawing = Drawing()
    _axes(drawing, x, y, axis, meaning)
    band = f'y="{y(tree.high)}" height="{round(y(tree.low) - y(tree.high), 1)}" width="{RIGHT - LEFT}"'
    drawing.parts.append(f'<rect x="{LEFT}" {band} fill="{ORANGE}" opacity="0.13"/>')
    drawing.line([(LEFT, y(tree.mean)), (RIGHT, y(tree.mean))], ORANGE, 2, "6 4")
    _series(drawing, x, y, gradient, BLUE)
    ends = [(tree.mean, "tree search", ORANGE), (gradient[max(gradient)].mean, "gradient", BLUE)]
    _names(drawing, [(y(value), name, colour) for value, name, colour in ends])
    drawing.text((LEFT + RIGHT) / 2, HEIGHT - 8, note, colour=GREY)
    return drawing.svg(f"{axis}, against the reliability of the diagnosis")


def _axes(drawing: Drawing, x: Scale, y: Scale, name: str, meaning: str) -> None:
    for value, text in tick_texts(nice_ticks(y.low, y.high, 6)):
        drawing.line([(LEFT, y(value)), (RIGHT, y(value))], "#e4e4e4")
        drawing.text(LEFT - 8, y(value) + 4, text, "end")
    for value in (0, 0.25, 0.5, 0.75, 1):
        drawing.text(x(value), BOTTOM + 18, f"{value:g}")
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 36, meaning)
    middle = (TOP + BOTTOM) / 2
    drawing.parts.append(f'<g transform="rotate(-90 16 {middle})">')
    drawing.text(16, middle, name)
    drawing.parts.append("</g>")


def _series(drawing: Drawing, x: Scale, y: Scale, points: dict[float, Interval], colour: str) -> None:
    placed = [(x(p), i) for p, i in sorted(points.items())]
    drawing.line([(at, y(i.mean)) for at, i in placed], colour, 2)
    for at, i in placed:
        drawing.line([(at, y(i.low)), (at, y(i.high))], colour, 1.5)
        drawing.parts.append(f'<circle cx="{at}" cy="{y(i.mean)}" r="4.5" fill="{colour}"/>')


def _names(drawing: Drawing, ends: list[tuple[float, str, str]]) -> None:
    """The lines' names at their right ends, (y, name, colour) each, from the top down and never on one another."""
    last = float("-inf")
    for at, name, colour in sorted(ends):
        last = max(at, last + NAME_HEIGHT)
        drawing.text(RIGHT + 8, last + 4, name, "start", colour)
