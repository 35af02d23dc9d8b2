"""What was asked for, so that two tools' bodies can be compared: names by what they mean, one way of saying where
the engine takes two, and nothing of what says no more than the engine's own default."""
# Of the tools themselves: see parity.py.
OWN_LABELS = ("com.docker.compose.", "envrun.")
UNSORTED = ("SecurityOpt", "Env", "ExtraHosts", "Ulimits", "Aliases", "Links", "DeviceIDs", "mounts", "Devices", "CapAdd")


def own_labels(labels):
    return {key: value for key, value in (labels or {}).items() if not key.startswith(OWN_LABELS)}


def mount_of_bind(text):
    source, target, options = (text.split(":") + ["rw"])[:3]
    mount = {"Type": "bind" if source.startswith("/") else "volume", "Source": source, "Target": target}
    for word in options.split(","):
        if word == "ro":
            mount["ReadOnly"] = True
        elif word == "nocopy":
            mount["VolumeOptions"] = {"NoCopy": True}
        elif word in ("z", "Z"):
            mount["SELinux"] = word
        elif word != "rw":
            mount["BindOptions"] = {"Propagation": word}
    return mount


def mounts(host):
    """Binds and Mounts are two ways to ask for one thing."""
    rows = [mount_of_bind(text) for text in host.pop("Binds", None) or []] + (host.pop("Mounts", None) or [])
    for options in (row.get("VolumeOptions") or {} for row in rows):
        options["Labels"] = own_labels(options.get("Labels"))
    return {row["Target"]: row for row in rows}


def bare(value):
    """Without what is not set."""
    if isinstance(value, dict):
        result = {key: bare(item) for key, item in value.items()}
        return {key: item for key, item in result.items() if item not in (None, [], {}, "", 0, False)}
    if isinstance(value, list):
        return [bare(item) for item in value]
    return value


def settle(value):
    """Lists whose order means nothing, sorted."""
    if not isinstance(value, dict):
        return value
    return {key: sorted(map(settle, item), key=str) if key in UNSORTED and isinstance(item, list) else settle(item)
            for key, item in value.items()}


class Names:
    """A tool's names, by what they mean."""

    def __init__(self, project, containers):
        self.project = project
        self.services = {}
        for name, body in containers.items():
            labels = body["Labels"]
            service, number = labels["com.docker.compose.service"], labels["com.docker.compose.container-number"]
            self.services[name] = service if number == "1" else f"{service}-{number}"

    def meaning(self, value):
        if isinstance(value, dict):
            return {self.meaning(key): self.meaning(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.meaning(item) for item in value]
        if isinstance(value, str):
            for name in sorted(self.services, key=len, reverse=True):
                value = value.replace(name, f"<{self.services[name]}>")
            return value.replace(self.project, "<name>")
        return value


def joined(names, name, endpoint):
    """Without the container's own names."""
    service = names.services[name]
    own = (name, service, service.rpartition("-")[0])
    return {**endpoint,
            "Aliases": [alias for alias in endpoint.get("Aliases") or [] if alias not in own],
            "Links": [link for link in endpoint.get("Links") or [] if not is_of_compose(names, link)]}


def is_of_compose(names, link):
    """A link by one of the names that Compose gives each container."""
    container, _, alias = link.partition(":")
    service = names.services.get(container)
    return service and alias in (container, f"{service}-1")


def container(names, name, body):
    one = {key: value for key, value in body.items() if key not in ("Image", "Labels")}
    host = {key: value for key, value in one["HostConfig"].items() if key not in ("ConsoleSize", "Links")}
    one["mounts"] = mounts(host)
    one["published"] = {port: True for port in host.pop("PortBindings", None) or {}}
    one["HostConfig"] = host
    one["Labels"] = own_labels(body["Labels"])
    endpoints = (one.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    one["NetworkingConfig"] = {"EndpointsConfig": {key: joined(names, name, endpoint or {})
                                                   for key, endpoint in endpoints.items()}}
    return one


def network(body):
    one = thing(body)
    one["Driver"] = one.get("Driver") or "bridge"
    pools = (one.get("IPAM") or {}).get("Config") or []
    if all(list(pool) == ["Subnet"] for pool in pools) and one["Driver"] == "bridge":
        one["IPAM"] = {**(one.get("IPAM") or {}), "Config": []}  # one of envrun's own range
    return one


def thing(body):
    one = {key: value for key, value in body.items() if key not in ("Labels", "CheckDuplicate")}
    one["Labels"] = own_labels(body.get("Labels"))
    return one


def comparable(project, bodies):
    """{section: {name: body}}"""
    names = Names(project, bodies["containers"])
    containers, connections = bodies["containers"], bodies["connections"]
    result = {
        "containers": {names.services[name]: container(names, name, body) for name, body in containers.items()},
        "connections": {names.services[name]: {key: joined(names, name, endpoint) for key, endpoint in all_of_it.items()}
                        for name, all_of_it in connections.items()},
        "networks": {name: network(body) for name, body in bodies["networks"].items()},
        "volumes": {name: thing(body) for name, body in bodies["volumes"].items()
                    if not name.endswith(".hold")},
    }
    return settle(bare(names.meaning(result)))
