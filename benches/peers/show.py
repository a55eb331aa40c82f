#!/usr/bin/env python3
"""Shows what the suites measured.

    python3 show.py chart RESULTS.json > docs/performance.svg
    python3 show.py tables RESULTS.json

RESULTS.json has the lines that `--json` prints, of any suites. The chart has one row for each suite and
anchor, one dot for each case, at ours / anchor, on a logarithmic scale, and a bar for the geometric
mean. The tables are in Markdown, one for each suite: a row for each case, a column for each anchor.
"""

import json
import math
import sys
from html import escape

SUITES = ("strymonas", "chain", "ysb", "text", "rewire")
LEFT, RIGHT, TOP, ROW = 210, 90, 64, 22
WIDTH = 860
LEAST, MOST = 3e-5, 3e1


def x(ratio):
    share = math.log(max(LEAST, min(MOST, ratio)) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def rows(lines):
    ratios = {}
    for line in lines:
        if line["ok"] and line["suite"] in SUITES:
            ratios.setdefault((line["suite"], line["anchor"]), []).append(line["ratio"])
    return sorted(ratios.items(), key=lambda row: SUITES.index(row[0][0]))


def text(at, y, string, anchor="start", weight="normal", size=12):
    return (
        f'<text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}">{escape(string)}</text>'
    )


def draw(table):
    height = TOP + ROW * len(table) + 16
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        text(12, 22, "Time of Cutthrough / time of the others", weight="bold", size=15),
        text(WIDTH - RIGHT + 8, TOP - 8, "mean", size=11),
    ]
    for power in range(-4, 2):
        at = x(10.0**power)
        name = {-4: "1/10,000", -3: "1/1,000", -2: "1/100", -1: "1/10", 0: "same", 1: "10 x"}[power]
        stroke = "#444" if power == 0 else "#ddd"
        out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{height - 12}" stroke="{stroke}"/>')
        out.append(text(at, TOP - 8, name, "middle", size=11))
    last = None
    for number, ((suite, anchor), ratios) in enumerate(table):
        y = TOP + ROW * number + ROW / 2
        if suite != last:
            out.append(text(12, y + 4, suite, weight="bold"))
            out.append(f'<line x1="8" x2="{WIDTH - 8}" y1="{y - ROW / 2}" y2="{y - ROW / 2}" stroke="#bbb"/>')
            last = suite
        out.append(text(LEFT - 10, y + 4, anchor, "end"))
        for ratio in ratios:
            colour = "#1a7f37" if ratio <= 1 else "#cf4a00"
            out.append(f'<circle cx="{x(ratio):.1f}" cy="{y:.1f}" r="4" fill="{colour}" fill-opacity="0.55"/>')
        middle = mean(ratios)
        at = x(middle)
        out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y - 8:.1f}" y2="{y + 8:.1f}" stroke="#000" stroke-width="2"/>')
        out.append(text(WIDTH - RIGHT + 8, y + 4, f"{middle:.2g}" if middle < 10 else f"{middle:.0f}"))
    out.append("</svg>")
    return "\n".join(out)


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def tables(lines):
    suites = {}
    for line in lines:
        suites.setdefault(line["suite"], []).append(line)
    for suite, lines in suites.items():
        anchors = list(dict.fromkeys(line["anchor"] for line in lines))
        print(f"### {suite}\n\n| | ours, ns | " + " | ".join(anchors) + " |\n" + "|---" * (len(anchors) + 2) + "|")
        cases = {}
        for line in lines:
            cases.setdefault(line["name"], {})[line["anchor"]] = line
        for name, by_anchor in cases.items():
            cells = []
            for anchor in anchors:
                line = by_anchor.get(anchor)
                if line is None:
                    cells.append("")
                elif line["ok"]:
                    cells.append(f"{number(line['anchor_ns'])}: **{number(line['ratio'])}**")
                else:
                    cells.append("another answer")
            ours = number(next(iter(by_anchor.values()))["ours_ns"])
            print(f"| {name} | {ours} | " + " | ".join(cells) + " |")
        means = []
        for anchor in anchors:
            ratios = [line["ratio"] for line in lines if line["anchor"] == anchor and line["ok"]]
            means.append(number(mean(ratios)) if len(ratios) > 1 else "")
        print("| geometric mean | | " + " | ".join(means) + " |\n")


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main():
    what, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    if what == "chart":
        print(draw(rows(lines)))
    elif what == "tables":
        tables(lines)
    else:
        sys.exit(f"{what}: it is `chart` or `tables`")


main()
