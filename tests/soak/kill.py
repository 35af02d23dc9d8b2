#!/usr/bin/env python3
"""Kill envrun at random moments, and see that nothing is left on the engine.

usage: kill.py [--envrun FILE] [--kills N] [--both M] [--parallel P] [--seed S]

N runs of a graph with a build, networks, volumes and seeds are killed (SIGKILL), each at a moment of its own:
10 s later (on a busy machine: as long as a whole run takes) the engine must hold nothing of it but the build cache. Then
M runs are killed together with their reapers, and `envrun gc --yes` must leave nothing. One line per failure, and the counts at the end.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

GRACE = 10  # seconds after a kill in which everything must vanish
BETWEEN = 1  # seconds between killing both and gc

COMPOSE = """
services:
  db:
    image: envrun-test/busybox:1
    command: sleep 1000
    volumes: [data:/data, /private]
    networks: [default, back]
    seed: [{exec: "echo seeded >/data/file"}, {run: "sleep 0.05"}]
    ready: {exec: "true"}
  app:
    build: {context: ., labels: {envrun-soak: "%s"}}
    command: sleep 1000
    depends_on: [db]
    volumes: [cache:/cache]
    seed: [{exec: "echo seeded >/cache/file"}]
networks: {back: }
volumes: {data: , cache: }
suite: {command: sleep 0.3}
"""


def docker(*words):
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.split()


class Soak:
    def __init__(self, options):
        self.options = options
        self.id = f"soak{os.getpid():x}"
        self.folder = tempfile.mkdtemp(prefix="envrun-soak-")
        self.random = random.Random(options.seed)
        self.lock = threading.Lock()
        self.failures = self.done = 0
        self.length = 0

    # ---- One environment ----

    def make(self, number):
        """A folder for it: the build differs each time, so that it really builds."""
        folder = os.path.join(self.folder, str(number))
        os.makedirs(folder)
        with open(os.path.join(folder, "compose.yaml"), "w") as file:
            file.write(COMPOSE % self.id)
        with open(os.path.join(folder, "Dockerfile"), "w") as file:
            file.write(f"FROM envrun-test/busybox:1\nRUN echo {self.id}-{number} >/built\n")
        return folder

    def begin(self, number):
        folder = self.make(number)
        with open(os.path.join(folder, "log"), "w") as log:
            return subprocess.Popen([self.options.envrun, "run", "-p", self.name(number)], cwd=folder, stdout=log,
                                    stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def name(self, number):
        return f"{self.id}x{number}"

    def left(self, number):
        """What the engine has of it, whatever it carries: by name, and what a build may have left."""
        name = self.name(number)
        found = docker("ps", "-a", "--filter", f"name=^/?{name}-", "--format", "container:{{.Names}}")
        found += docker("network", "ls", "--filter", f"name=^{name}-", "--format", "network:{{.Name}}")
        found += docker("volume", "ls", "--filter", f"name=^{name}-", "--format", "volume:{{.Name}}")
        found += [f"step:{number}" for line in subprocess.run(
            ["docker", "ps", "-a", "--no-trunc", "--format", "{{.Command}}"], check=True, capture_output=True,
            text=True).stdout.splitlines() if f"{self.id}-{number} " in line]
        return found

    def left_by_gc(self, number):
        """The same, but a build's step may stay a moment longer: it has no labels that gc could know it by, and the
        engine itself removes it, once it notices that the build's client is gone."""
        end = time.monotonic() + GRACE
        while True:
            left = self.left(number)
            if not left or time.monotonic() > end or not all(thing.startswith("step:") for thing in left):
                return left
            time.sleep(0.2)

    def reapers(self, number):
        wanted = f"envrun\0reaper\0{self.name(number)}-".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if file.read().startswith(wanted):
                        yield int(pid)
            except OSError:
                pass

    def kill_reapers(self, number):
        for pid in self.reapers(number):
            os.kill(pid, signal.SIGKILL)

    # ---- The two ways ----

    def moment(self):
        with self.lock:
            return self.random.uniform(0, self.length)

    def killed(self, number):
        run, moment = self.begin(number), self.moment()
        time.sleep(moment)
        run.kill()
        run.wait()
        time.sleep(max(GRACE, self.length))
        return moment, self.left(number)

    def both_killed(self, number):
        run, moment = self.begin(number), self.moment()
        time.sleep(moment)
        self.kill_reapers(number)
        run.kill()
        run.wait()
        self.kill_reapers(number)  # it was just being started
        time.sleep(BETWEEN)
        gc = subprocess.run([self.options.envrun, "gc", "--yes"], capture_output=True, text=True)
        left = self.left_by_gc(number)
        return moment, left if gc.returncode == 0 else left + [f"gc: {gc.returncode}: {gc.stderr.strip()}"]

    def judge(self, number, way):
        moment, left = way(number)
        with self.lock:
            self.done += 1
            if left:
                self.failures += 1
                print(f"{way.__name__} {number} after {moment:.3f} s: left {' '.join(left)}", flush=True)
            elif self.done % 50 == 0:
                print(f"{self.done} done, {self.failures} failed", flush=True)
        shutil.rmtree(os.path.join(self.folder, str(number)), ignore_errors=True)

    def all(self, way, count, first):
        self.done = self.failures = 0
        with ThreadPoolExecutor(self.options.parallel) as pool:
            for job in [pool.submit(self.judge, first + i, way) for i in range(count)]:
                job.result()
        print(f"{way.__name__}: {self.done - self.failures} of {count} left nothing", flush=True)
        return self.failures

    # ---- All ----

    def measure(self):
        """How long a run takes that is not killed, as many side by side as there will be."""
        began = time.monotonic()
        runs = [self.begin(-1 - i) for i in range(self.options.parallel)]
        if any(run.wait() for run in runs):
            sys.exit("soak: a run that is not killed fails: " + open(f"{self.folder}/-1/log").read())
        self.length = time.monotonic() - began
        print(f"a run takes {self.length:.1f} s; the seed is {self.options.seed}", flush=True)

    def clean(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        images = docker("image", "ls", "-aq", "--filter", f"label=envrun-soak={self.id}")
        for image in dict.fromkeys(images):
            subprocess.run(["docker", "rmi", "-f", image], capture_output=True)

    def run(self):
        try:
            self.measure()
            failures = self.all(self.killed, self.options.kills, 0)
            failures += self.all(self.both_killed, self.options.both, self.options.kills)
        finally:
            self.clean()
        return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--envrun", default="build/envrun")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--both", type=int, default=200)
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    options.envrun = os.path.abspath(options.envrun)
    sys.exit(Soak(options).run())


main()
