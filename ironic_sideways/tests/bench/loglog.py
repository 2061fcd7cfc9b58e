# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""A picture of phases by nodes, both by their logarithms: a line a phase."""

import math
from collections.abc import Iterable
from html import escape
from typing import Any

WIDTH, HEIGHT = 900, 620
LEFT, RIGHT, TOP, BOTTOM = 60, 220, 20, 40
#: Seconds: what is less is drawn as that.
LEAST = 0.5


def draw(rows: Iterable[dict[str, Any]]) -> str:
    """An SVG of the rows' ``seconds`` by ``nodes``, for each ``phase``."""
    lines: dict[str, dict[int, float]] = {}
    for row in rows:
        seconds = max(row["seconds"], LEAST)
        lines.setdefault(row["phase"], {})[row["nodes"]] = seconds
    nodes = sorted({number for line in lines.values() for number in line})
    most = max(max(line.values()) for line in lines.values())
    wide = (math.log10(nodes[0]), math.log10(nodes[-1]))
    high = (math.log10(LEAST), math.log10(max(most, 1)))

    def x(number: float) -> float:
        return _place(math.log10(number), wide, LEFT, WIDTH - RIGHT)

    def y(seconds: float) -> float:
        return _place(math.log10(seconds), high, HEIGHT - BOTTOM, TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *(
            f'<text x="{x(number):.0f}" y="{HEIGHT - BOTTOM + 20}" '
            f'text-anchor="middle">{number} nodes</text>'
            for number in nodes
        ),
    ]
    for power in range(math.ceil(high[0]), math.floor(high[1]) + 1):
        place = y(10**power)
        parts.append(
            f'<path d="M{LEFT} {place:.0f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{place + 4:.0f}" text-anchor="end">'
            f"{10**power} s</text>"
        )
    for index, (phase, line) in enumerate(sorted(lines.items(), key=_height)):
        colour = f"hsl({index * 137 % 360} 60% 40%)"
        points = " ".join(f"{x(n):.0f},{y(s):.0f}" for n, s in sorted(line.items()))
        # Names are one below the other, in the order of the lines' ends.
        label = TOP + 8 + index * (HEIGHT - TOP - BOTTOM) / max(1, len(lines))
        end = y(line[max(line)])
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}"/>'
            f'<path d="M{x(max(line)):.0f} {end:.0f}L{WIDTH - RIGHT + 20} {label:.0f}" '
            f'stroke="{colour}" stroke-dasharray="2"/>'
            f'<text x="{WIDTH - RIGHT + 24}" y="{label + 4:.0f}" fill="{colour}">'
            f"{escape(phase)}</text>"
        )
    return "\n".join((*parts, "</svg>\n"))


def _place(value: float, whole: tuple[float, float], begin: float, end: float) -> float:
    least, most = whole
    return begin + (end - begin) * (value - least) / ((most - least) or 1)


def _height(line: tuple[str, dict[int, float]]) -> float:
    """From the top: the slowest first."""
    seconds = line[1]
    return -seconds[max(seconds)]
