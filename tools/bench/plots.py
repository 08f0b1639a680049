# SPDX-License-Identifier: Apache-2.0
"""Draws the results of `run` as SVG: bars, with the spread of each."""

import html
import os

_COLORS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2",
           "#97bbf5", "#9c6b4e")
_LEFT, _TOP, _HEIGHT, _BAR, _GAP = 60, 40, 240, 26, 30


def bars(title, unit, groups):
    """An SVG. `groups`: a name, and for each server its name, figure, and the
    least and the most of it (or None)."""
    servers = list(dict.fromkeys(bar[0] for _, found in groups
                                 for bar in found))
    top = max((bar[3] or bar[1] for _, found in groups for bar in found),
              default=0) or 1
    width = _LEFT + sum(len(found) * _BAR + _GAP for _, found in groups)
    width = max(width, 360)
    height = _TOP + _HEIGHT + 40 + 18 * len(servers)

    def y_of(value):
        return _TOP + _HEIGHT * (1 - value / top)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{html.escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="8" y="20" font-size="14">{html.escape(title)}</text>',
    ]
    for i in range(5):
        value = top * i / 4
        y = y_of(value)
        out.append(f'<path d="M{_LEFT} {y:.1f}H{width}" stroke="#dddddd"/>'
                   f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                   f"{value:.3g}</text>")
    out.append(f'<text x="8" y="{_TOP - 6}">{html.escape(unit)}</text>')
    x = _LEFT + _GAP / 2
    for name, found in groups:
        middle = x + len(found) * _BAR / 2
        for server, value, least, most in found:
            color = _COLORS[servers.index(server) % len(_COLORS)]
            y = y_of(value)
            out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{_BAR - 4}" '
                       f'height="{_TOP + _HEIGHT - y:.1f}" fill="{color}">'
                       f"<title>{html.escape(server)}: {value:.4g}</title>"
                       "</rect>")
            if most is not None:
                out.append(f'<path d="M{x + _BAR / 2 - 2:.1f} {y_of(least):.1f}'
                           f'V{y_of(most):.1f}" stroke="#222222"/>')
            x += _BAR
        out.append(f'<text x="{middle:.1f}" y="{_TOP + _HEIGHT + 18}" '
                   f'text-anchor="middle">{html.escape(name)}</text>')
        x += _GAP
    for i, server in enumerate(servers):
        y = _TOP + _HEIGHT + 34 + 18 * i
        out.append(f'<rect x="{_LEFT}" y="{y}" width="12" height="12" '
                   f'fill="{_COLORS[i % len(_COLORS)]}"/>'
                   f'<text x="{_LEFT + 18}" y="{y + 11}">{html.escape(server)}'
                   "</text>")
    return "\n".join(out + ["</svg>"]) + "\n"


def draw(results, folder):
    """Writes a picture for each part that was measured; answers their names."""
    pictures = {}
    if "echo" in results:
        echo = results["echo"]
        pictures["cpu"] = bars(
            "CPU of the server for a message", "us",
            [(f"{n} connections",
              [(s, r["cpu_us"], r["cpu_us_least"], r["cpu_us_most"])
               for s, r in found.items()]) for n, found in echo.items()])
        pictures["user"] = bars(
            "user time of the server for a message", "us",
            [(f"{n} connections",
              [(s, r["user_us"], None, None) for s, r in found.items()])
             for n, found in echo.items()])
    for percentile in ("p50", "p99", "p999"):
        if "open" not in results:
            break
        pictures[f"latency_{percentile}"] = bars(
            f"latency at a fixed rate, {percentile}", "us",
            [(f"{name} messages/s",
              [(s, *r[f"{percentile}_us"]) for s, r in found.items()])
             for name, found in results["open"].items()])
    if "memory" in results:
        pictures["memory"] = bars(
            "bytes of the server for an idle connection", "bytes",
            [(what, [(s, sizes[i], None, None)
                     for s, sizes in results["memory"].items()])
             for i, what in enumerate(("new", "one message", "full buffer"))])
    os.makedirs(folder, exist_ok=True)
    for name, text in pictures.items():
        with open(os.path.join(folder, f"{name}.svg"), "w",
                  encoding="utf-8") as file:
            file.write(text)
    return sorted(pictures)
