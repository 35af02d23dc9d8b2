#!/usr/bin/env python3
"""Usage: tests/fake/contract.py FAKE-SOCKET REAL-SOCKET

Makes the same requests to the fake and the real engine, and compares what they answer: the status, the engine's own
sentence, and the fields that envrun reads. What differs is printed; the exit code is the number of differences. So the
fake stays honest: a test that passes on it says something about the real one.
"""

import http.client
import io
import json
import re
import socket
import sys
import tarfile
import uuid

IMAGE = "envrun-test/busybox:1"
NAME = "contract" + uuid.uuid4().hex[:8]
LABELS = {"envrun-contract": NAME}
SLEEPER = {"Image": IMAGE, "Cmd": ["sleep", "600"], "Labels": LABELS, "StopSignal": "SIGKILL"}


class Engine:
    """One request at a time, each on a connection of its own."""

    def __init__(self, path):
        self.path = path
        self.ids = {}

    def connect(self):
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(self.path)
        return connection

    def ask(self, method, path, body=None, raw=None):
        connection = self.connect()
        for name, value in self.ids.items():
            path = path.replace("{" + name + "}", value)
        data = raw if raw is not None else None if body is None else json.dumps(body)
        kind = "application/x-tar" if raw is not None else "application/json"
        connection.request(method, "/v1.41" + path, data, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode("utf-8", "replace")

    def normalise(self, text):
        """Without what may differ: IDs and prefixes of the engine's own."""
        text = re.sub(r"[0-9a-f]{64}", "ID", text)
        return re.sub(r"^Error response from daemon: ", "", text)


def pick(value, path):
    """The field "A.B" of an answer; of a list, of its first entry."""
    for key in path.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(key) if isinstance(value, dict) else None
    return value


def flat(value):
    return json.dumps(value, sort_keys=True)


def kind_of(value):
    return "absent" if value is None else type(value).__name__


def archive():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    return data.getvalue()


def filters(**wanted):
    return "filters=" + json.dumps(wanted).replace(" ", "").replace('"', "%22").replace("{", "%7B").replace("}", "%7D")


# (what, method, path, body, fields that must be equal, fields that must be of the same type)
C = f"/containers/{NAME}-a"
STEPS = [
    ("ping", "GET", "/_ping", None, [], []),
    ("inspect an image", "GET", f"/images/{IMAGE}/json", None, [], ["Id", "RepoTags", "Config", "Os", "Architecture"]),
    ("inspect an image that is not there", "GET", f"/images/{NAME}:1/json", None, ["message"], []),
    ("create a network", "POST", "/networks/create",
     {"Name": f"{NAME}-net", "Labels": LABELS, "CheckDuplicate": True}, [], ["Id"]),
    ("create it again", "POST", "/networks/create",
     {"Name": f"{NAME}-net", "Labels": LABELS, "CheckDuplicate": True}, ["message"], []),
    ("list networks", "GET", "/networks?" + filters(label=[f"envrun-contract={NAME}"]), None,
     ["Name", "Driver", "Labels"], ["Id", "IPAM.Config"]),
    ("create a volume", "POST", "/volumes/create", {"Name": f"{NAME}-vol", "Labels": LABELS},
     ["Name", "Driver", "Labels", "Scope"], ["Mountpoint"]),
    ("create it again", "POST", "/volumes/create", {"Name": f"{NAME}-vol", "Labels": LABELS}, ["Name"], []),
    ("inspect a volume", "GET", f"/volumes/{NAME}-vol", None, ["Name", "Labels"], ["Mountpoint"]),
    ("inspect a volume that is not there", "GET", f"/volumes/{NAME}-none", None, ["message"], []),
    ("create from an image that is not there", "POST", f"/containers/create?name={NAME}-x",
     {"Image": f"{NAME}:1"}, ["message"], []),
    ("create a container", "POST", f"/containers/create?name={NAME}-a",
     {**SLEEPER, "HostConfig": {"NetworkMode": f"{NAME}-net", "Binds": [f"{NAME}-vol:/data"]}}, ["Warnings"], ["Id"]),
    ("create one of the same name", "POST", f"/containers/create?name={NAME}-a", SLEEPER, ["message"], []),
    ("inspect a created one", "GET", C + "/json", None,
     ["State.Status", "State.Running", "State.ExitCode", "Config.Labels", "Name"], ["Id", "Image", "Created"]),
    ("exec in one that does not run", "POST", C + "/exec", {"Cmd": ["true"]}, ["message"], []),
    ("kill one that does not run", "POST", C + "/kill", None, ["message"], []),
    ("start", "POST", C + "/start", None, [], []),
    ("start again", "POST", C + "/start", None, [], []),
    ("start one that is not there", "POST", f"/containers/{NAME}-none/start", None, ["message"], []),
    ("inspect a running one", "GET", C + "/json", None, ["State.Status", "State.Running", "State.OOMKilled"],
     ["State.StartedAt", "NetworkSettings.Networks", f"NetworkSettings.Networks.{NAME}-net.IPAddress"]),
    ("list containers", "GET", "/containers/json?" + filters(label=[f"envrun-contract={NAME}"]), None,
     ["Names", "State", "Labels"], ["Id", "ImageID", "Command"]),
    ("put a file", "PUT", C + "/archive?path=/tmp", archive(), [], []),
    ("put a file where no folder is", "PUT", C + "/archive?path=/none/where", archive(), [], ["message"]),
    ("read a file that is not there", "GET", C + "/archive?path=/none", None, [], ["message"]),
    ("create an exec", "POST", C + "/exec", {"Cmd": ["true"], "AttachStdout": True}, [], ["Id"]),
    ("inspect an exec that is not there", "GET", "/exec/none/json", None, ["message"], []),
    ("remove a volume in use", "DELETE", f"/volumes/{NAME}-vol", None, [], ["message"]),
    ("remove a network in use", "DELETE", f"/networks/{NAME}-net", None, [], ["message"]),
    ("logs of one that is not there", "GET", f"/containers/{NAME}-none/logs?stdout=1", None, ["message"], []),
    ("stop", "POST", C + "/stop?t=1", None, [], []),
    ("stop again", "POST", C + "/stop?t=1", None, [], []),
    ("inspect a stopped one", "GET", C + "/json", None, ["State.Status", "State.Running", "State.ExitCode"],
     ["State.FinishedAt"]),
    ("wait for a stopped one", "POST", C + "/wait?condition=not-running", None, ["StatusCode"], []),
    ("remove by force", "DELETE", C + "?force=1&v=1", None, [], []),
    ("remove again", "DELETE", C + "?force=1&v=1", None, ["message"], []),
    ("remove the volume", "DELETE", f"/volumes/{NAME}-vol", None, [], []),
    ("remove the volume again", "DELETE", f"/volumes/{NAME}-vol", None, ["message"], []),
    ("remove the network", "DELETE", f"/networks/{NAME}-net", None, [], []),
    ("remove the network again", "DELETE", f"/networks/{NAME}-net", None, ["message"], []),
    ("a path that is none", "GET", "/none", None, ["message"], []),
]


def compare(step, fake, real):
    what, method, path, body, equal, alike = step
    raw = body if isinstance(body, bytes) else None
    answers = [engine.ask(method, path, None if raw else body, raw) for engine in (fake, real)]
    (fake_status, fake_answer), (real_status, real_answer) = answers
    found = []
    if fake_status != real_status:
        found.append(f"status {fake_status}, really {real_status} {real_answer}")
    for field in equal:
        ours, theirs = (pick(answer, field) for answer in (fake_answer, real_answer))
        if fake.normalise(flat(ours)) != real.normalise(flat(theirs)):
            found.append(f"{field} is {ours!r}, really {theirs!r}")
    for field in alike:
        ours, theirs = (kind_of(pick(answer, field)) for answer in (fake_answer, real_answer))
        if ours != theirs:
            found.append(f"{field} is {ours}, really {theirs}")
    for line in found:
        print(f"{what}: {line}")
    return not found


def main():
    fake, real = (Engine(path) for path in sys.argv[1:3])
    good = [compare(step, fake, real) for step in STEPS]
    print(f"{sum(good)} of {len(good)} requests are answered alike")
    return min(len(good) - sum(good), 99)


if __name__ == "__main__":
    sys.exit(main())
