# SPDX-License-Identifier: Apache-2.0
"""Who includes whom. A unit is a header and its source under one name; tests
are left out, what they use is not."""

import os
import re

_INCLUDE = re.compile(r'^\s*#\s*include "netpoll/([^"]+)"', re.MULTILINE)


def unit_of(path):
    return os.path.splitext(path)[0]


def for_tests(unit):
    """Whether only tests use it, by its name."""
    return re.search(r"(^|_)test(_|$)", os.path.basename(unit)) is not None


def include_graph(tree):
    """Each unit -> the units that it includes -> the file that does so."""
    graph = {}
    for path in tree.cpp():
        if re.search(r"_test\b|_test\.", path) or path.startswith("third_party"):
            continue
        unit = unit_of(path)
        graph.setdefault(unit, {})
        for match in _INCLUDE.finditer(tree.text(path)):
            other = unit_of(match[1])
            if other != unit:
                graph[unit].setdefault(other, path)
    return graph


def grouped(graph, group_of):
    """The same between groups; a unit without one is left out."""
    groups = {}
    for unit, others in graph.items():
        group = group_of(unit)
        if group is None:
            continue
        into = groups.setdefault(group, {})
        for other, path in others.items():
            target = group_of(other)
            if target is not None and target != group:
                into.setdefault(target, path)
    return groups


def way(graph, start, end):
    """The shortest way from `start` to `end`, both included, or None."""
    ways = [[start]]
    seen = {start}
    for one in ways:
        if one[-1] == end:
            return one
        for other in sorted(graph.get(one[-1], ())):
            if other not in seen:
                seen.add(other)
                ways.append(one + [other])
    return None


def reduced(graph):
    """Without the arrows that say nothing new: there is another way. Of a graph
    without circles."""
    return {
        unit: sorted(
            other
            for other in others
            if not any(
                way(graph, between, other)
                for between in others
                if between != other
            )
        )
        for unit, others in graph.items()
    }


def floors(graph):
    """The units in floors: each includes only from floors below its own. Of a
    graph without circles."""
    floor = {}

    def floor_of(unit):
        if unit not in floor:
            below = [floor_of(other) for other in graph.get(unit, ())]
            floor[unit] = max(below, default=-1) + 1
        return floor[unit]

    for unit in graph:
        floor_of(unit)
    return [
        sorted(unit for unit in graph if floor[unit] == number)
        for number in range(max(floor.values(), default=-1) + 1)
    ]
