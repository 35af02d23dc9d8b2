#!/usr/bin/env python3
"""Usage: tests/parity/parity.py ENVRUN COMPOSE

Stands the same files up with Docker Compose and with envrun, and compares: of compose.yaml what the engine then
says of the containers, networks and volumes; of asked.yaml and newer.yaml what the engine is asked for, so that
it need not be able to do it (recorder.py). Prints what differs; exits 1 if something does.

Intended differences, each with its reason (docs/parity.md has them for readers):
  names, IDs, addresses, times        belong to one environment
  labels of the tools themselves      envrun's are how things are found again; it never sets Compose's
                                      config-hash, and none of Compose's on networks and volumes, so that
                                      Compose adopts nothing of ours
  host ports                          ephemeral ones on 127.0.0.1, so that copies do not collide
  subnets that the file leaves open   small ones of envrun's own range, so that copies do not run out of them
  anonymous volumes                   get a name and labels, so that they can be found and removed
  names of a container                Compose adds its own as aliases and links; envrun the service's
and those in INTENDED below.
"""
import json
import os
import subprocess
import sys
import tempfile

import bodies
import inspected
from recorder import Recorder

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {"compose": "envrun-parity-compose", "envrun": "envrun-parity-envrun"}

COPIED = "envrun copies secrets and configs in, so that uid, gid and mode hold and an engine elsewhere has them"
REDUNDANT = "says what IPAMConfig says, and the engine does not read it"
OLD_COMPOSE = "newer releases of Compose hand it on as envrun does"

# Single values that are meant to differ: path, reason.
INTENDED = {
    ".containers.networked.Config.ExposedPorts.7000": "Compose hands on a port without its protocol",
    ".containers.networked.Config.ExposedPorts.7000/tcp": "the same",
    ".containers.process.Config.StopTimeout": "1.5 s are 2 s here; Compose cuts to 1 s, and 500 ms to none",
    ".containers.sharing.HostConfig.VolumesFrom": "Compose drops `:ro`",
    ".containers.sharing.mounts": "the same",
    ".containers.given.mounts": COPIED,
    ".containers.given.files./run/secrets/from-file": COPIED,
    ".containers.given.files./from-file": COPIED,

    ".containers.shares.HostConfig.VolumesFrom": "Compose drops `:rw`",
    ".containers.mounts.mounts./consistent.Consistency": "Compose drops it from a named volume",
    ".containers.network.MacAddress": "Compose 2.26 loses it where the networks are written out, before API 1.44",
    ".containers.network.NetworkingConfig.EndpointsConfig.<name>_front.IPAddress": REDUNDANT,
    ".containers.network.NetworkingConfig.EndpointsConfig.<name>_front.IPv6Gateway": REDUNDANT,
    ".containers.network.NetworkingConfig.EndpointsConfig.<name>_front.DriverOpts": OLD_COMPOSE,
    ".containers.addressed.NetworkingConfig.EndpointsConfig.<name>_two.DriverOpts": OLD_COMPOSE,
    ".containers.devices.HostConfig.DeviceRequests.0.Options": OLD_COMPOSE,
}


def differences(path, a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from differences(f"{path}.{key}", a.get(key), b.get(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (one, other) in enumerate(zip(a, b)):
            yield from differences(f"{path}.{index}", one, other)
    elif isinstance(a or b, dict) and (a or b) and not (a and b):
        yield from differences(path, a or {}, b or {})
    elif a != b:
        yield path, f"{path}: compose {json.dumps(a)}, envrun {json.dumps(b)}"


class Tool:
    def __init__(self, name, up, down):
        self.name, self.up, self.down = name, up, down

    def stood_up(self, look, engine=None):
        """What `look` sees of it while it is up."""
        environment = {**os.environ, "PARITY_WORD": "a word", "DOCKER_CONFIG": f"{HERE}/data",
                       **({"DOCKER_HOST": engine} if engine else {})}
        print(f"up: {' '.join(self.up)}", file=sys.stderr)
        try:
            done = subprocess.run(self.up, cwd=HERE, env=environment, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(self.up)} failed:\n{done.stdout}{done.stderr}")
            return look()
        finally:
            subprocess.run(self.down, cwd=HERE, env=environment, capture_output=True)


def tools(envrun, compose, file):
    by_compose = [compose, "--project-name", NAMES["compose"], "--file", file]
    return (Tool(NAMES["compose"], [*by_compose, "up", "--detach"],
                 [*by_compose, "down", "--volumes", "--timeout", "0"]),
            Tool(NAMES["envrun"], [envrun, "up", "-p", NAMES["envrun"], "-f", file],
                 [envrun, "down", NAMES["envrun"]]))


def by_inspecting(tool):
    return tool.stood_up(lambda: inspected.everything(tool.name))


def by_asking(tool, api=None):
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), folder, api)
        return tool.stood_up(lambda: bodies.comparable(tool.name, recorder.bodies), recorder.address)


def main():
    envrun, compose = sys.argv[1:]
    rows, met = [], set()
    for file, look in (("compose.yaml", by_inspecting), ("asked.yaml", by_asking),
                       ("newer.yaml", lambda tool: by_asking(tool, "1.45"))):
        theirs, ours = (look(tool) for tool in tools(envrun, compose, f"{HERE}/{file}"))
        for path, row in differences("", theirs, ours):
            reason = next((key for key in INTENDED if f"{path}.".startswith(f"{key}.")), None)
            met.add(reason)
            if not reason:
                rows.append(f"{file} {row}")
    rows += [f"{path} does not differ any more" for path in INTENDED if path not in met]
    for row in rows:
        print(row)
    print(f"{len(rows)} differences", file=sys.stderr)
    sys.exit(1 if rows else 0)


main()
