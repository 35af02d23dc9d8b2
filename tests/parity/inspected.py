"""What the engine says of an environment that is up, a tool's names replaced by what they mean."""
import json
import subprocess

from bodies import own_labels

# What is not compared: it belongs to one container, or is the engine's own.
CONTAINER_KEPT = ("Config", "HostConfig")
DROPPED = {
    "Config": {"Image", "Labels", "Hostname", "AttachStdin", "StdinOnce"},
    "HostConfig": {"ContainerIDFile", "ConsoleSize", "PortBindings"},
}

# Files of services: whose they are, their mode, their bytes.
FILES = {"given": ("/run/secrets/from-file", "/run/secrets/renamed", "/etc/elsewhere", "/from-content",
                   "/etc/app/deep.conf", "/from-environment.conf", "/from-file")}


def docker(*words):
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def inspect(kind, name):
    return json.loads(docker(kind, "inspect", name))[0]


class Side:
    def __init__(self, name):
        self.name = name
        label = f"com.docker.compose.project={name}"
        self.ids, self.written = {}, {}
        for row in docker("ps", "-aq", "--no-trunc", "--filter", f"label={label}").split():
            labels = inspect("container", row)["Config"]["Labels"]
            service, number = labels["com.docker.compose.service"], labels["com.docker.compose.container-number"]
            self.ids[row] = service if number == "1" else f"{service}-{number}"
            self.written[row] = f"{name}-{service}-{number}"

    def meaning(self, value):
        if isinstance(value, dict):
            return {self.meaning(key): self.meaning(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.meaning(item) for item in value]
        if isinstance(value, str):
            for key, service in self.ids.items():
                value = value.replace(key, f"<{service}>").replace(self.written[key], f"<{service}>")
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
            one["files"] = {path: docker("exec", key, "sh", "-c", f"stat -c '%a %u %g' {path}; cat {path}")
                            for path in FILES.get(service, ())}
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

    def endpoint(self, service, endpoint):
        own = sorted(alias for alias in endpoint["Aliases"] or []
                     if len(alias) != 12 and alias not in self.written.values())
        links = sorted(link for link in endpoint["Links"] or [] if link.endswith(":linked"))
        return {"aliases": own, "links": links, "ipam": endpoint["IPAMConfig"] or {}}

    def objects(self, kind, kept):
        names = docker(kind, "ls", "--format", "{{.Name}}", "--filter", f"name={self.name}").split()
        result = {}
        for name in names:
            if name.endswith(".hold"):  # of envrun's own: the environment is up
                continue
            raw = inspect(kind, name)
            if any(path.endswith("anonymous") for path in (raw["Labels"] or {}).values()):
                continue
            one = {key: raw[key] for key in kept}
            one["Labels"] = own_labels(raw["Labels"])
            if kind == "network" and not name.endswith(("front", "addressed")):
                one["IPAM"]["Config"] = "<left open>"
            result[name] = one
        return self.meaning(result)


def everything(name):
    side = Side(name)
    return {
        "containers": side.containers(),
        "networks": side.objects("network", ("Driver", "Options", "Internal", "Attachable", "EnableIPv6", "IPAM")),
        "volumes": side.objects("volume", ("Driver", "Options")),
    }
