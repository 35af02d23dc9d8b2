#!/usr/bin/env python3
"""Usage: tests/bench/record.py [--rounds N] [--services N] [--lines N] [--seconds N]
       [--no-secret] [ENVRUN]

Measures what a record costs: a run of many services that write many lines while the suite lasts, with a record
and without one (`.envrun` is a file, so that nothing can be written there), in turns. Prints medians of the time
that passes, of envrun's own CPU time and of its memory, and how often that of a run without a record it is.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
IMAGE = "envrun-test/busybox:1"
WAYS = ("without", "with")


def write_project(directory, options):
    """Each service writes its lines in one go, once a second, as a busy server's log comes."""
    words = "GET /orders/%d 200 in 12 ms, user 4711, request 6f1c2d3e"
    writer = f'BEGIN {{ while (1) {{ for (i = 0; i < {options.lines}; i++) printf "{words}\\n", i; fflush(); system("sleep 1") }} }}'
    service = {"image": IMAGE, "environment": {"TOKEN": "$TOKEN"}, "command": ["awk", writer], "stop_signal": "SIGKILL",
               "network_mode": "none"}
    model = {"services": {f"s{number:02}": service for number in range(options.services)},
             "suite": {"command": ["sleep", str(options.seconds)]}}
    with open(os.path.join(directory, ".env"), "w") as file:
        file.write("TOKEN=a-value-that-is-looked-for\n" if options.secret else "TOKEN=\n")
    with open(os.path.join(directory, "compose.yaml"), "w") as file:
        json.dump(model, file)


def run(way, options):
    """(seconds, seconds of CPU, MiB, lines in the record)"""
    with tempfile.TemporaryDirectory(prefix="envrun-bench-") as directory:
        write_project(directory, options)
        if way == "without":
            open(os.path.join(directory, ".envrun"), "w").close()
        began = time.monotonic()
        child = subprocess.Popen([options.envrun, "run"], cwd=directory, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        errors = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"envrun run failed:\n{errors}")
        seconds = time.monotonic() - began
        return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, count_lines(directory)


def count_lines(directory):
    lines = 0
    for folder, _, names in os.walk(os.path.join(directory, ".envrun")):
        for name in names if folder.endswith("/logs") else ():
            with open(os.path.join(folder, name), "rb") as file:
                lines += sum(1 for _ in file)
    return lines


def report(results):
    for column, (title, unit) in enumerate((("time", "s"), ("CPU time of envrun", "s"), ("memory of envrun", "MiB"))):
        without = statistics.median(row[column] for row in results["without"])
        for way in WAYS:
            values = [row[column] for row in results[way]]
            median = statistics.median(values)
            print(f"{title:<20} {way:<8} {median:8.2f} {unit:<3}  [{min(values):.2f}-{max(values):.2f}]  "
                  f"{median / without:5.2f} x without  n={len(values)}")
    print(f"lines in the record: {statistics.median(row[3] for row in results['with']):.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("envrun", nargs="?", default=f"{ROOT}/build/envrun")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--lines", type=int, default=100, help="of each service, a second")
    parser.add_argument("--no-secret", dest="secret", action="store_false", help="no value to take out of the lines")
    parser.add_argument("--seconds", type=int, default=15, help="that the suite lasts")
    options = parser.parse_args()
    options.envrun = os.path.abspath(options.envrun)
    results = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            results[way].append(run(way, options))
    report(results)


main()
