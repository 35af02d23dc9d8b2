#!/usr/bin/env python3
"""config.py [--rounds N] [--sizes N,N,...] ENVRUN

`envrun config` against `docker-compose config` on generated files: whole-process time and peak
memory, run in turn (A B A B), medians; and the time per service, which is constant if resolving is
linear. Needs no engine."""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

SERVICE = """\
  s{i}:
    image: registry.example/app-{i}:${{TAG:-1}}
    command: ["serve", "--port", "80"]
    environment: {{A: "{i}", B: "${{TAG:-x}}", C: c}}
    depends_on: {depends_on}
    networks: [n{n}]
    ports: ["80", "127.0.0.1::443"]
    volumes: ["v{i}:/data", "./conf:/conf:ro"]
    labels: ["a=b", "i={i}"]
    healthcheck: {{test: "true", interval: 5s}}
    deploy: {{resources: {{limits: {{memory: 64m}}}}}}
"""


def generate(path, count):
    with open(path, "w", encoding="utf-8") as file:
        file.write("services:\n")
        for i in range(count):
            earlier = f"[s{i - 1}]" if i else "[]"
            file.write(SERVICE.format(i=i, n=i % 10, depends_on=earlier))
        file.write("networks:\n" + "".join(f"  n{i}:\n" for i in range(min(10, count))))
        file.write("volumes:\n" + "".join(f"  v{i}:\n" for i in range(count)))


def measure(command, directory):
    """Seconds and KiB at the peak of one run."""
    began = time.monotonic()
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    return time.monotonic() - began, usage.ru_maxrss


def compare(count, options, compose):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "compose.yaml")
        generate(path, count)
        runs = {"envrun": [], "compose": []}
        for _ in range(options.rounds):
            runs["envrun"].append(measure([options.envrun, "config", "-f", path], directory))
            runs["compose"].append(measure([compose, "-f", path, "config"], directory))
    seconds = {who: statistics.median(run[0] for run in runs[who]) for who in runs}
    memory = {who: statistics.median(run[1] for run in runs[who]) for who in runs}
    print(f"{count:9} {seconds['envrun'] * 1e3:9.0f} {seconds['envrun'] * 1e6 / count:11.1f}"
          f" {seconds['compose'] * 1e3:10.0f} {seconds['compose'] / seconds['envrun']:7.1f}"
          f" {memory['envrun'] / 1024:11.1f} {memory['compose'] / 1024:12.1f}"
          f" {memory['compose'] / memory['envrun']:7.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="250,500,1000,2000")
    parser.add_argument("envrun", type=os.path.abspath)
    options = parser.parse_args()
    get = os.path.join(HERE, "..", "get-debian-next")
    compose = subprocess.run([get, "docker-compose"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.strip()
    print(" services envrun ms us/service compose ms  faster  envrun MiB compose MiB  smaller")
    for size in options.sizes.split(","):
        compare(int(size), options, compose)


if __name__ == "__main__":
    main()
