"""What the fake engine holds: images, containers, networks, volumes, execs, and its events.

All of it lives in memory and is guarded by one lock. A container's process is a thread that writes
its scripted output and waits for its scripted end.
"""

import collections
import hashlib
import io
import itertools
import json
import queue
import signal
import tarfile
import threading
import time


class Refused(Exception):
    """An answer of 400 or more."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


BUILT_IN = {"bridge", "default", "host", "none"}


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".%09dZ" % (time.time_ns() % 10**9)


def frame(stream, data):
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def has_labels(labels, wanted):
    for want in wanted:
        name, _, value = want.partition("=")
        if name not in labels or ("=" in want and labels[name] != value):
            return False
    return True


class Container:
    def __init__(self, state, id, name, body, image):
        self.state, self.id, self.name, self.body, self.image = state, id, name, body, image
        self.config = {k: v for k, v in body.items() if k not in ("HostConfig", "NetworkingConfig")}
        self.labels = {**(image["Config"].get("Labels") or {}), **(body.get("Labels") or {})}
        self.config["Labels"] = self.labels
        self.script = state.script_for(body, name)
        self.status, self.code, self.created = "created", 0, now()
        self.started = self.finished = "0001-01-01T00:00:00Z"
        self.oom = False
        self.networks, self.files = {}, {"/": None, "/tmp": None, "/etc": None}
        self.output, self.readers = [], []  # [(stream, bytes)], [queue]
        self.told_to_end = threading.Event()
        self.ended = threading.Event()

    @property
    def tty(self):
        return bool(self.body.get("Tty"))

    def say(self, stream, text):
        data = text.encode("utf-8", "surrogateescape")
        with self.state.lock:
            self.output.append((stream, data))
            for reader in self.readers:
                reader.put((stream, data))

    def start(self):
        with self.state.lock:
            if self.status == "running":
                raise Refused(304, "already started")
            for network in set(self.networks) - BUILT_IN:
                self.state.network(network)
            if self.script.get("start_error"):
                raise Refused(500, self.script["start_error"])
            self.status, self.started = "running", now()
            self.told_to_end.clear()
            self.ended.clear()
        self.state.container_event(self, "start")
        threading.Thread(target=self.live, daemon=True).start()

    def live(self):
        for line in self.script.get("stdout", []):
            self.say(1, line + "\n")
        for line in self.script.get("stderr", []):
            self.say(2, line + "\n")
        if "starves" in self.script and not self.told_to_end.wait(self.script["starves"]):
            self.state.container_event(self, "oom")
        if self.told_to_end.wait(self.script.get("seconds")):
            self.end(self.stop_code)
        else:
            self.oom = bool(self.script.get("oom"))
            self.end(self.script.get("exit", 0))

    def end(self, code):
        with self.state.lock:
            self.status, self.code, self.finished = "exited", code, now()
            readers, self.readers = self.readers, []
            for reader in readers:
                reader.put(None)
        if self.oom:
            self.state.container_event(self, "oom")
        self.state.container_event(self, "die", exitCode=str(code))
        self.ended.set()

    def stop_signal_code(self):
        """A process that its stop signal ends at once."""
        return 128 + signal.Signals[self.config.get("StopSignal") or "SIGTERM"]

    def stop(self, code):
        if self.status != "running":
            return False
        self.stop_code = code
        self.told_to_end.set()
        self.ended.wait(10)
        return True

    def read(self, past, follow):
        """A queue of (stream, bytes) that ends with None."""
        lines = queue.Queue()
        with self.state.lock:
            for item in self.output if past else []:
                lines.put(item)
            if follow and self.status in ("created", "running"):
                self.readers.append(lines)
            else:
                lines.put(None)
        return lines

    def ports(self):
        bound = (self.body.get("HostConfig") or {}).get("PortBindings") or {}
        every = set(self.config.get("ExposedPorts") or {}) | set(bound)
        return {p: self.state.published(p, bound.get(p)) for p in every}

    def inspect(self):
        running = self.status == "running"
        return {
            "Id": self.id, "Name": "/" + self.name, "Created": self.created, "Image": self.image["Id"],
            "Config": self.config, "HostConfig": self.body.get("HostConfig") or {}, "Mounts": [],
            "RestartCount": 0,
            "State": {
                "Status": self.status, "Running": running, "Paused": False, "Restarting": False,
                "OOMKilled": self.oom, "Dead": False, "Pid": 4242 if running else 0,
                "ExitCode": self.code, "Error": "", "StartedAt": self.started,
                "FinishedAt": self.finished,
            },
            "NetworkSettings": {"Networks": self.networks, "Ports": self.ports() if running else {}},
        }

    def summary(self):
        return {
            "Id": self.id, "Names": ["/" + self.name], "Image": self.config.get("Image", ""),
            "ImageID": self.image["Id"], "Labels": self.labels, "State": self.status,
            "Status": self.status, "Ports": [], "NetworkSettings": {"Networks": self.networks},
            "Mounts": [], "Command": " ".join(self.config.get("Cmd") or []), "Created": 0,
        }


class State:
    def __init__(self, scenario, minor=41):
        self.scenario, self.minor = scenario, minor
        self.lock = threading.RLock()
        self.count = itertools.count(1)
        self.images, self.containers, self.networks, self.volumes, self.execs = {}, {}, {}, {}, {}
        self.listeners, self.past = [], collections.deque(maxlen=256)
        for name, config in (scenario.get("images") or {"envrun-test/busybox:1": {}}).items():
            self.add_image(name, config)

    def new_id(self, what):
        return hashlib.sha256(f"{what} {next(self.count)}".encode()).hexdigest()

    # ---- Events ----

    def tell(self, kind, action, id, attributes):
        event = {"Type": kind, "Action": action, "status": action, "id": id,
                 "Actor": {"ID": id, "Attributes": attributes},
                 "time": int(time.time()), "timeNano": time.time_ns()}
        with self.lock:
            self.past.append(event)
            for filters, listener in self.listeners:
                if self.is_wanted(event, filters):
                    listener.put(event)

    @staticmethod
    def is_wanted(event, filters):
        return has_labels(event["Actor"]["Attributes"], filters.get("label", [])) and \
            event["Type"] in filters.get("type", [event["Type"]]) and \
            event["Action"] in filters.get("event", [event["Action"]])

    def listen(self, filters, since):
        """A queue of the events that are wanted, beginning with those since a time in nanoseconds."""
        listener = queue.Queue()
        with self.lock:
            for event in self.past if since else []:
                if event["timeNano"] >= since and self.is_wanted(event, filters):
                    listener.put(event)
            self.listeners.append((filters, listener))
        return listener

    def forget(self, listener):
        with self.lock:
            self.listeners = [entry for entry in self.listeners if entry[1] is not listener]

    def container_event(self, c, action, **more):
        self.tell("container", action, c.id,
                  {**c.labels, "name": c.name, "image": c.config.get("Image", ""), **more})

    # ---- Images ----

    def add_image(self, name, config):
        digest = hashlib.sha256((name + json.dumps(config, sort_keys=True)).encode()).hexdigest()
        image = {"Id": "sha256:" + digest, "RepoTags": [name], "RepoDigests": [], "Size": 1,
                 "Os": "linux", "Architecture": "amd64", "Config": {"Cmd": ["sh"], **config}}
        self.images[name] = image
        return image

    def image(self, name):
        if name.startswith("sha256:") or "/" not in name:
            for image in self.images.values():
                if image["Id"] == name or image["Id"] == "sha256:" + name:
                    return image
        tagged = name if ":" in name.rsplit("/", 1)[-1] else name + ":latest"
        if tagged not in self.images:
            raise Refused(404, f"No such image: {tagged}")
        return self.images[tagged]

    # ---- Containers ----

    def script_for(self, body, name):
        """The first script under "containers" whose pattern is in the name, the image or the command."""
        words = " ".join([name, body.get("Image", ""), *(body.get("Cmd") or [])])
        for script in self.scenario.get("containers", []):
            if script.get("match", "") in words:
                return script
        return {}

    def container(self, key):
        with self.lock:
            for c in self.containers.values():
                if key in (c.name, c.id) or (len(key) >= 12 and c.id.startswith(key)):
                    return c
        raise Refused(404, f"No such container: {key}")

    def create(self, name, body):
        image = self.image(body.get("Image", ""))
        with self.lock:
            for c in self.containers.values():
                if name and c.name == name:
                    raise Refused(409, f'Conflict. The container name "/{name}" is already in use by '
                                       f'container "{c.id}". You have to remove (or rename) that '
                                       "container to be able to reuse that name.")
            c = Container(self, self.new_id("container"), name or f"fake_{next(self.count)}", body, image)
            wanted = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or \
                {(body.get("HostConfig") or {}).get("NetworkMode", "bridge"): {}}
            for network, endpoint in wanted.items():
                self.join(c, network, endpoint or {}, must_exist=self.minor >= 44)
            self.containers[c.id] = c
        self.container_event(c, "create")
        return c

    def remove(self, key):
        c = self.container(key)
        c.stop(137)
        with self.lock:
            self.containers.pop(c.id, None)
        self.container_event(c, "destroy")

    def published(self, port, bindings):
        if not bindings:
            return None
        number = self.scenario.get("ports", {}).get(port) or bindings[0].get("HostPort") or "40000"
        return [{"HostIp": bindings[0].get("HostIp") or "0.0.0.0", "HostPort": str(number)}]

    # ---- Networks and volumes ----

    def network(self, key):
        for n in self.networks.values():
            if key in (n["Id"], n["Name"]):
                return n
        raise Refused(404, f"network {key} not found")

    def join(self, c, network, endpoint, must_exist=True):
        if must_exist and network not in BUILT_IN:
            network = self.network(network)["Name"]
        c.networks[network] = {"IPAddress": self.scenario.get("address", "127.0.0.1"),
                               "Aliases": endpoint.get("Aliases") or [], "NetworkID": network}

    def create_network(self, body):
        with self.lock:
            if any(n["Name"] == body["Name"] for n in self.networks.values()):
                raise Refused(409, f"network with name {body['Name']} already exists")
            n = {"Id": self.new_id("network"), "Name": body["Name"], "Driver": "bridge",
                 "Labels": body.get("Labels") or {}, "Containers": {},
                 "IPAM": body.get("IPAM") or {"Config": [{"Subnet": "172.31.0.0/16"}]}}
            self.networks[n["Id"]] = n
        self.tell("network", "create", n["Id"], {"name": n["Name"]})
        return n

    def remove_network(self, key):
        with self.lock:
            n = self.network(key)
            if any(n["Name"] in c.networks for c in self.containers.values() if c.status == "running"):
                raise Refused(403, f"error while removing network: network {n['Name']} id {n['Id']} "
                                   "has active endpoints")
            del self.networks[n["Id"]]
        self.tell("network", "destroy", n["Id"], {"name": n["Name"]})

    def create_volume(self, body):
        with self.lock:
            name = body.get("Name") or self.new_id("volume")
            v = self.volumes.setdefault(name, {
                "Name": name, "Driver": body.get("Driver", "local"), "Labels": body.get("Labels") or {},
                "Mountpoint": f"/var/lib/docker/volumes/{name}/_data", "Scope": "local"})
        self.tell("volume", "create", name, {})
        return v

    def volume(self, name):
        if name not in self.volumes:
            raise Refused(404, f"get {name}: no such volume")
        return self.volumes[name]

    def remove_volume(self, name):
        with self.lock:
            self.volume(name)
            for c in self.containers.values():
                host = c.body.get("HostConfig") or {}
                used = [b.split(":")[0] for b in host.get("Binds") or []]
                used += [m.get("Source") for m in host.get("Mounts") or []]
                if name in used:
                    raise Refused(409, f"remove {name}: volume is in use - [{c.id}]")
            del self.volumes[name]
        self.tell("volume", "destroy", name, {})

    # ---- Execs ----

    def create_exec(self, key, body):
        c = self.container(key)
        if c.status != "running":
            raise Refused(409, f"Container {c.id} is not running")
        line = " ".join(body.get("Cmd") or [])
        script = {"exit": 0}
        for candidate in self.scenario.get("execs", []):
            if candidate.get("match", "") in line and candidate.get("times", 1) != 0:
                script = candidate
                if "times" in candidate:
                    candidate["times"] -= 1
                break
        e = {"ID": self.new_id("exec"), "container": c, "body": body, "script": script,
             "Running": False, "ExitCode": None, "size": None}
        self.execs[e["ID"]] = e
        return e

    def exec(self, id):
        e = self.execs.get(id)
        if not e or e["container"].id not in self.containers:
            raise Refused(404, f"No such exec instance: {id}")
        return e

    # ---- Files ----

    def pack(self, c, path):
        """What lies there, or in its place the entries that a scenario has for the container."""
        top, contents = path.rstrip("/."), path.endswith("/.")
        if "archive" not in c.script and top and top not in c.files:
            raise Refused(404, f"Could not find the file {path} in container {c.id}")
        base = "." if contents else top.rsplit("/", 1)[-1]
        below = [{"name": base + f[len(top):], "text": text.decode()} for f, text in sorted(c.files.items())
                 if text is not None and (f == top or f.startswith(top + "/"))]
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for entry in c.script.get("archive", below):
                self.pack_entry(archive, entry)
        return data.getvalue()

    @staticmethod
    def pack_entry(archive, entry):
        info = tarfile.TarInfo(entry["name"])
        info.type = entry.get("type", "0").encode()
        info.linkname = entry.get("link", "")
        info.mtime = time.time() - entry.get("age", 0)
        text = entry.get("text", "").encode()
        info.size = len(text) if info.type == tarfile.REGTYPE else 0
        archive.addfile(info, io.BytesIO(text))

    def unpack(self, c, where, data):
        where = where.rstrip("/") or "/"
        if where not in c.files:
            raise Refused(404, f"Could not find the file {where} in container {c.id}")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                path = (where.rstrip("/") + "/" + member.name).rstrip("/")
                c.files[path] = archive.extractfile(member).read() if member.isfile() else None
