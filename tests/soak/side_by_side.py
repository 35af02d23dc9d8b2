#!/usr/bin/env python3
"""Usage: tests/soak/side_by_side.py [--envrun PROGRAM] [--limit SECONDS] [N]

Stands up N environments of one file by N envrun processes at once, holds them until all are ready, and looks
whether any sees another: names, networks, ports, volumes, files. Then all must vanish. Prints how long it
took and what memory the processes needed at most.
"""
import argparse
import concurrent.futures
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FILE = """
services:
  web:
    image: envrun-test/busybox:1
    environment: [TOKEN]
    command: [sh, -c, 'mkdir -p /www; echo "$$TOKEN" >/www/index.html; exec httpd -f -p 80 -h /www']
    ports: ["8080:80"]
    volumes: ["data:/data"]
    init: true
    ready: {http: 80, timeout: 10m}
    seed: [{exec: 'echo "$TOKEN" >>/data/tokens; touch "/data/$TOKEN"', timeout: 10m}]
  peer:
    image: envrun-test/busybox:1
    command: [sleep, "3600"]
    init: true
    depends_on: [web]
    volumes: ["data:/data:ro"]
volumes: {data: {}}
suite:
  command: |
    echo "$ENVRUN_ENVIRONMENT $WEB_HOST $(wget -q -O - "http://$WEB_HOST:$WEB_PORT/")" >"ready/.$TOKEN"
    mv "ready/.$TOKEN" "ready/$TOKEN"
    while ! [ -e go ]; do sleep 0.5; done
  timeout: 1h
"""


def docker(*words):
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout.strip()


def memory(pid):
    """The process's share of memory (PSS) in KiB, or 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            return next((int(line.split()[1]) for line in rollup if line.startswith("Pss:")), 0)
    except OSError:
        return 0


class Soak:
    def __init__(self, options):
        self.options = options
        self.prefix = f"soak{secrets.token_hex(3)}"
        self.tokens = [f"{self.prefix}t{i}" for i in range(options.n)]
        self.processes = {}
        self.problems = []
        self.peak = 0

    # ---- The processes ----

    def start(self, token):
        with open(f"{token}.err", "wb") as errors:
            self.processes[token] = subprocess.Popen(
                [self.options.envrun, "run", "-p", self.prefix], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=errors, env={**os.environ, "TOKEN": token})

    def wait(self, done, what):
        """Until done() is true; answers the seconds that it took."""
        began = time.monotonic()
        while not done():
            self.peak = max(self.peak, sum(memory(p.pid) for p in self.processes.values()))
            if time.monotonic() - began > self.options.limit:
                self.problems.append(f"not within {self.options.limit} s: {what}")
                break
            time.sleep(0.5)
        return time.monotonic() - began

    def all_ready(self):
        ended = [t for t, p in self.processes.items() if p.poll() is not None]
        for token in ended:
            self.problems.append(f"{token} ended early with {self.processes[token].returncode}")
        return ended or len([f for f in os.listdir("ready") if not f.startswith(".")]) == self.options.n

    # ---- What each sees ----

    def look(self, token):
        with open(f"ready/{token}", encoding="ascii") as file:
            name, address, page = file.read().split()
        def inside(command):
            return docker("exec", f"{name}-peer-1", "sh", "-c", command)[1]
        published = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Ports}}", f"{name}-web-1")[1])
        return {
            "token": token, "name": name, "address": address, "page": page,
            "page inside": inside("wget -q -O - http://web/"),
            "volume": inside("cat /data/tokens; ls /data").split(),
            "port": published["80/tcp"][0]["HostPort"],
            "host": published["80/tcp"][0]["HostIp"],
        }

    def expect(self, seen, what, found, expected):
        if found != expected:
            self.problems.append(f"{seen['name']}: {what} is {found}, expected {expected}")

    def compare(self, all_seen):
        for seen in all_seen:
            token = seen["token"]
            self.expect(seen, "its page", seen["page"], token)
            self.expect(seen, "its page inside", seen["page inside"], token)
            self.expect(seen, "its volume", seen["volume"], [token, *sorted([token, "tokens"])])
            self.expect(seen, "its ports' address", seen["host"], "127.0.0.1")
        for what in ("name", "address", "port"):
            if len({seen[what] for seen in all_seen}) != len(all_seen):
                self.problems.append(f"two have the same {what}")

    def cross(self, seen, other):
        """One environment's container must not reach another one's. Whenever a network is made, the engine takes
        its rule for that out and puts it in again (20.10: 15 of 384 looks found none while six were made): so
        it counts if one answers five times, a second apart."""
        for _ in range(5):
            code, _ = docker("exec", f"{seen['name']}-peer-1", "nc", "-w", "2", other["address"], "80")
            if code != 0:
                return
            time.sleep(1)
        self.problems.append(f"{seen['name']} reaches {other['name']}")

    def check(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            all_seen = list(pool.map(self.look, self.tokens))
            self.compare(all_seen)
            list(pool.map(self.cross, all_seen[:20], all_seen[1:21]))

    # ---- The end ----

    def left(self):
        labels = '{{.Label "envrun.environment"}} '
        listings = (("ps", "-a", "--format", labels + "{{.Names}}"), ("network", "ls", "--format", labels + "{{.Name}}"),
                    ("volume", "ls", "--format", labels + "{{.Name}}"))
        found = []
        for words in listings:
            found += [line for line in docker(*words, "--filter", "label=envrun.environment")[1].split("\n")
                      if line.startswith(self.prefix)]
        return found

    def report_ends(self):
        for token, process in self.processes.items():
            if process.poll() is None:
                process.kill()
            if process.wait() != 0:
                with open(f"{token}.err", encoding="utf-8") as errors:
                    last = errors.read().strip().split("\n")[-4:]
                self.problems.append(f"{token} exited with {process.returncode}: " + " / ".join(last))

    def run(self):
        began = time.monotonic()
        os.mkdir("ready")
        with open("compose.yaml", "w", encoding="ascii") as file:
            file.write(FILE)
        for token in self.tokens:
            self.start(token)
        ready = self.wait(self.all_ready, "all are ready")
        try:
            if not self.problems:
                self.check()
        finally:
            open("go", "w").close()
            down = self.wait(lambda: all(p.poll() is not None for p in self.processes.values()), "all are down")
            self.report_ends()
        self.problems += [f"left: {thing}" for thing in self.left()]
        print(f"{self.options.n} environments: all ready in {ready:.1f} s, all gone {down:.1f} s after the end, "
              f"{time.monotonic() - began:.1f} s in all; the processes' memory at most {self.peak / 1024:.0f} MiB")
        print("\n".join(self.problems[:50]) or "none saw another, nothing is left")
        return 1 if self.problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=100)
    parser.add_argument("--envrun", default=f"{ROOT}/build/envrun")
    parser.add_argument("--limit", type=int, default=1200, help="seconds until all are ready, and until all are gone")
    options = parser.parse_args()
    options.envrun = os.path.abspath(options.envrun)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        return Soak(options).run()


if __name__ == "__main__":
    sys.exit(main())
