"""Draws the output of `search_bench --curve` (standard input) as an SVG (standard output): recall by size and the
three counts against evaluations, mean over the photographs. Standard library only."""
import csv
import sys

SHOWN = {  # (width, extensions, sweeps, reduce): (label, colour, dashes)
    (1, 0, 1, "greedy"): ("one sweep of 1, greedy", "#9ac", "2 3"),
    (3, 0, 1, "greedy"): ("one sweep of 3, greedy", "#69b", "2 3"),
    (10, 0, 1, "greedy"): ("one sweep of 10, greedy", "#27a", "2 3"),
    (30, 0, 1, "greedy"): ("one sweep of 30, greedy", "#146", "2 3"),
    (10, 0, 1, "all"): ("one sweep of 10, all", "#292", "6 3"),
    (30, 0, 1, "all"): ("one sweep of 30, all", "#151", "6 3"),
    (3, 15, 0, "all"): ("default: sweeps of 3", "#c22", ""),
}
PANELS = [  # field, title, top of the axis
    ("min_found", "smallest size found", 1),
    ("recall", "MSEs of that size", 1),
    ("recall_next", "MSEs with one patch more", 1),
    ("diverse_share", "diverse family / largest", 1),
    ("found", "MSEs found, all sizes", 160),
]
WIDTH, HEIGHT, LEFT, TOP, GAP, MOST = 190, 220, 40, 30, 45, 5300

curves = {}
for row in csv.DictReader(sys.stdin, delimiter="\t"):
    key = (int(row["width"]), int(row["extensions"]), int(row["sweeps"]), row["reduce"].strip())
    curves.setdefault(key, []).append({name: float(row[name]) for name in ["evaluations"] + [p for p, _, _ in PANELS]})

total = LEFT + len(PANELS) * (WIDTH + GAP)
out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{TOP + HEIGHT + 80}" '
       'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>']
for index, (field, title, most) in enumerate(PANELS):
    left = LEFT + index * (WIDTH + GAP)
    out.append(f'<text x="{left}" y="{TOP - 10}" font-weight="bold">{title}</text>'
               f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#888"/>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = TOP + HEIGHT * (1 - share)
        out.append(f'<text x="{left - 5}" y="{y + 4}" text-anchor="end">{share * most:g}</text>'
                   f'<line x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}" stroke="#ddd"/>')
    for evaluations in (1500, 3000, 4500):
        x = left + WIDTH * evaluations / MOST
        out.append(f'<text x="{x}" y="{TOP + HEIGHT + 14}" text-anchor="middle">{evaluations}</text>')
    for key, (_, colour, dashes) in SHOWN.items():
        points = " ".join(f'{left + WIDTH * p["evaluations"] / MOST:.1f},{TOP + HEIGHT * (1 - p[field] / most):.1f}'
                          for p in curves[key])
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
                   f'stroke-dasharray="{dashes}"/>')
for index, (label, colour, dashes) in enumerate(SHOWN.values()):
    x, y = LEFT + index % 4 * 220, TOP + HEIGHT + 36 + index // 4 * 18
    out.append(f'<line x1="{x}" x2="{x + 25}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" '
               f'stroke-dasharray="{dashes}"/><text x="{x + 30}" y="{y + 4}">{label}</text>')
out.append(f'<text x="{LEFT + WIDTH}" y="{TOP + HEIGHT + 28}" text-anchor="end">evaluations</text></svg>')
print("\n".join(out))
