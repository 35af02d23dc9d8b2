#!/usr/bin/env python3
"""Usage: tests/bench/shop.py [--rounds N] [--cold-rounds N] [ENVRUN]

Measures the main job on environments/shop (up, seed, suite, down): envrun against a script around Docker
Compose, in turns, in one run. Prints medians and ratios. Cold rounds remove the shop's images first, so
that both build them; the packages come over the network then, which is most of that time.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
IMAGES = [f"{name}/{image}" for name in ("shop", "envrun-bench") for image in ("postgres", "redis", "api", "web")]


def measure(command):
    """Seconds, and the peak memory in MiB of the largest process among the command's."""
    began = time.monotonic()
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{errors}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


def in_turns(ways, rounds, before=lambda: None):
    """{name: [(seconds, MiB), ...]}: A B A B ..."""
    results = {name: [] for name in ways}
    for _ in range(rounds):
        for name, command in ways.items():
            before()
            results[name].append(measure(command))
    return results


def report(title, results, column, unit):
    medians = {name: statistics.median(row[column] for row in rows) for name, rows in results.items()}
    floor = medians["envrun"]
    for name, rows in results.items():
        values = [row[column] for row in rows]
        print(f"{title:<28} {name:<8} {medians[name]:8.2f} {unit}  [{min(values):.2f}-{max(values):.2f}]"
              f"  {medians[name] / floor:5.2f} x envrun  n={len(rows)}")
    sys.stdout.flush()


def remove_images():
    subprocess.run(["docker", "image", "rm", "--force", *IMAGES], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["docker", "image", "prune", "--force"], stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("envrun", nargs="?", default=f"{ROOT}/build/envrun")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold-rounds", type=int, default=0)
    options = parser.parse_args()
    compose = subprocess.run([f"{HERE}/../get-debian-next", "docker-compose"], check=True, capture_output=True, text=True).stdout.strip()
    by_envrun = [options.envrun, "run", "--environment", "shop", "--suite", "api"]
    by_compose = [f"{HERE}/shop-by-compose", compose]

    for command in (by_envrun, by_compose):
        measure(command)  # the images are there from here on
    report("up, seed, suite, down", in_turns({"envrun": by_envrun, "compose": by_compose}, options.rounds), 0, "s")
    bare = {"envrun": [*by_envrun, "--", "true"], "compose": [*by_compose, "true"]}
    results = in_turns(bare, options.rounds)
    report("the same without a suite", results, 0, "s")
    report("peak memory of the tool", results, 1, "MiB")
    if options.cold_rounds:
        cold = in_turns({"envrun": by_envrun, "compose": by_compose}, options.cold_rounds, remove_images)
        report("cold: images are built", cold, 0, "s")


main()
