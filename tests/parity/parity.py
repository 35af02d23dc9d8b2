#!/usr/bin/env python3
"""Usage: tests/parity/parity.py ENVRUN COMPOSE

Stands tests/parity/compose.yaml up with Docker Compose and then with envrun, and compares what the engine
says of the containers, networks and volumes. Prints what differs; exits 1 if something does.

Intended differences, each with its reason:
  names, IDs, addresses, times        belong to one environment
  labels of the tools themselves      envrun's are how things are found again; it never sets Compose's
                                      config-hash, and none of Compose's on networks and volumes, so that
                                      Compose adopts nothing of ours
  host ports                          ephemeral ones on 127.0.0.1, so that copies do not collide
  anonymous volumes                   get a name and labels, so that they can be found and removed
  aliases of the container's name     Compose adds its own names for a container; envrun the service's
and those in INTENDED below.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = f"{HERE}/compose.yaml"
NAMES = {"compose": "envrun-parity-compose", "envrun": "envrun-parity-envrun"}

# Single values that are meant to differ: path, reason.
INTENDED = {
    ".containers.networked.Config.ExposedPorts.7000": "Compose hands on a port without its protocol",
    ".containers.networked.Config.ExposedPorts.7000/tcp": "the same",
    ".containers.process.Config.StopTimeout": "1.5 s are 2 s here; Compose cuts to 1 s, and 500 ms to none",
    ".containers.sharing.HostConfig.VolumesFrom": "Compose drops `:ro`",
    ".containers.sharing.mounts": "the same",
}

# What is not compared: it belongs to one container, or is the engine's own.
CONTAINER_KEPT = ("Config", "HostConfig")
DROPPED = {
    "Config": {"Image", "Labels", "Hostname", "AttachStdin", "StdinOnce"},
    "HostConfig": {"ContainerIDFile", "ConsoleSize", "PortBindings"},
}


def docker(*words):
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def inspect(kind, name):
    return json.loads(docker(kind, "inspect", name))[0]


def own_labels(labels):
    """Without those of the tools."""
    return {key: value for key, value in (labels or {}).items()
            if not key.startswith(("com.docker.compose.", "envrun."))}


class Side:
    """One tool's environment, its names replaced by what they mean."""

    def __init__(self, name):
        self.name = name
        label = f"com.docker.compose.project={name}"
        self.ids = {}
        for row in docker("ps", "-aq", "--no-trunc", "--filter", f"label={label}").split():
            labels = inspect("container", row)["Config"]["Labels"]
            self.ids[row] = labels["com.docker.compose.service"]

    def meaning(self, value):
        if isinstance(value, dict):
            return {self.meaning(key): self.meaning(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.meaning(item) for item in value]
        if isinstance(value, str):
            for key, service in self.ids.items():
                value = value.replace(key, f"<{service}>").replace(f"{self.name}-{service}-1", f"<{service}>")
            return value.replace(self.name, "<name>")
        return value

    def containers(self):
        result = {}
        for key, service in self.ids.items():
            raw = inspect("container", key)
            one = {part: {k: v for k, v in raw[part].items() if k not in DROPPED[part]}
                   for part in CONTAINER_KEPT}
            one["Config"]["Labels"] = own_labels(raw["Config"]["Labels"])
            one["Config"]["Env"] = sorted(raw["Config"]["Env"])
            if service == "process":
                one["Config"]["Hostname"] = raw["Config"]["Hostname"]
            one["published"] = sorted(raw["HostConfig"]["PortBindings"] or {})
            one["mounts"] = self.mounts(raw)
            one["networks"] = {network: self.endpoint(service, endpoint)
                               for network, endpoint in raw["NetworkSettings"]["Networks"].items()}
            self.settle(one["HostConfig"])
            result[service] = self.meaning(one)
        return result

    @staticmethod
    def settle(host):
        """Binds and Mounts are two ways to ask for one thing, which `mounts` shows."""
        for key in ("Binds", "Mounts"):
            host.pop(key, None)
        for key in ("ExtraHosts", "Ulimits"):  # Compose's order changes from run to run
            host[key] = sorted(host.get(key) or [], key=str)
        for key, value in list(host.items()):
            if value in (None, [], {}, "", 0, False):
                del host[key]

    @staticmethod
    def mounts(raw):
        rows = []
        for mount in raw["Mounts"]:
            anonymous = mount["Type"] == "volume" and mount["Destination"] == "/anonymous"
            rows.append({key: "<anonymous>" if anonymous and key in ("Name", "Source") else mount.get(key)
                         for key in ("Type", "Name", "Destination", "RW", "Mode", "Propagation")
                         if not (anonymous and key == "Mode")})
        return sorted(rows, key=lambda row: row["Destination"])

    @staticmethod
    def endpoint(service, endpoint):
        own = sorted(alias for alias in endpoint["Aliases"] or []
                     if len(alias) != 12 and not alias.endswith(f"-{service}-1"))
        links = sorted(link for link in endpoint["Links"] or [] if link.endswith(":linked"))
        return {"aliases": own, "links": links, "ipam": endpoint["IPAMConfig"] or {}}

    def objects(self, kind, kept):
        names = docker(kind, "ls", "--format", "{{.Name}}", "--filter", f"name={self.name}").split()
        result = {}
        for name in names:
            raw = inspect(kind, name)
            if any(path.endswith("anonymous") for path in (raw["Labels"] or {}).values()):
                continue
            one = {key: raw[key] for key in kept}
            one["Labels"] = own_labels(raw["Labels"])
            if kind == "network" and not name.endswith("front"):
                one["IPAM"]["Config"] = "<the engine's choice>"
            result[name] = one
        return self.meaning(result)

    def everything(self):
        return {
            "containers": self.containers(),
            "networks": self.objects("network", ("Driver", "Options", "Internal", "Attachable", "EnableIPv6", "IPAM")),
            "volumes": self.objects("volume", ("Driver", "Options")),
        }


def differences(path, a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from differences(f"{path}.{key}", a.get(key), b.get(key))
    elif a != b:
        yield f"{path}: compose {json.dumps(a)}, envrun {json.dumps(b)}"


def stand_up(command, name):
    print(f"up: {name}", file=sys.stderr)
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return Side(name).everything()


def main():
    envrun, compose = sys.argv[1:]
    by_compose = [compose, "--project-name", NAMES["compose"], "--file", FILE]
    try:
        ours = None
        theirs = stand_up([*by_compose, "up", "--detach"], NAMES["compose"])
    finally:
        subprocess.run([*by_compose, "down", "--volumes", "--timeout", "0"], capture_output=True)
    try:
        ours = stand_up([envrun, "up", "-p", NAMES["envrun"], "-f", FILE], NAMES["envrun"])
    finally:
        subprocess.run([envrun, "down", NAMES["envrun"]], capture_output=True)
    rows = [row for row in differences("", theirs, ours) if row.split(":")[0] not in INTENDED]
    for row in rows:
        print(row)
    print(f"{len(rows)} differences", file=sys.stderr)
    sys.exit(1 if rows else 0)


main()
