# SPDX-License-Identifier: Apache-2.0
"""What a server may cost at most: tools/bench/run --gate."""

import harness

GATES = {
    "syscalls": 3.1,
    "user_us": 0.5,
    "epoll_ctl": 0.0,
    "futex": 0.0,
    "eventfd": 0.0,
    "idle_bytes": 1024.0,
    "idle_cpu": 0.1,
}
# Calls that must not be made for a message.
FORBIDDEN = ("epoll_ctl", "futex", "eventfd")


def gate_values(results, arguments):
    """The gated server's figures that were measured, by gate."""
    values = {}
    name = arguments.gated
    if "echo" in results:
        echo = results["echo"][arguments.connections.split(",")[0]].get(name)
        if echo is not None:
            values["user_us"] = echo["user_us"]
            calls = echo["syscalls"]
            values["syscalls"] = calls.get("all", float("inf"))
            for call in FORBIDDEN:
                values[call] = calls.get(call, 0.0 if calls else float("inf"))
    if name in results.get("memory", {}):
        values["idle_bytes"] = max(results["memory"][name]) - arguments.buffer
    if name in results.get("idle_cpu", {}):
        values["idle_cpu"] = results["idle_cpu"][name]
    return values


def limits_of(arguments):
    limits = dict(GATES)
    for gate in arguments.gate:
        name, _, most = gate.partition("=")
        try:
            limits[name] = float(most) if name in GATES else None
        except ValueError:
            limits[name] = None
        if limits[name] is None:
            raise harness.BenchError(f"--gate {gate}: not one of "
                                     f"{', '.join(GATES)} with a number")
    return limits


def check(results, arguments):
    """True if every measured figure keeps its limit."""
    limits = limits_of(arguments)
    values = gate_values(results, arguments)
    if not values:
        raise harness.BenchError(f"no figure of {arguments.gated} to gate")
    print(f"\ngates of {arguments.gated}")
    failed = False
    for name, value in values.items():
        over = value > limits[name]
        failed = failed or over
        print(f"  {name:<12}{value:>12.4f} at most {limits[name]:g}"
              f"{'   FAILED' if over else ''}")
    results["gates"] = {"values": values, "limits": limits, "passed": not failed}
    return not failed
