"""A unix socket in front of an engine's that keeps what is asked for, and asks the engine for less.

Of each container, network and volume that is created the body is kept whole; the engine gets no more than it
needs to make something of that name, so that a key that this machine cannot do (a GPU, a real-time scheduler)
is compared like any other. With an API version of its own it speaks for a newer engine than there is.
"""
import http.client
import json
import os
import re
import socket
import threading

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
UPGRADE = re.compile(rb"\r\nupgrade:", re.I)
CREATE = re.compile(r"(?:/v[\d.]+)?/(containers|networks|volumes)/create")
ID = re.compile(r"(?<!sha256:)\b[0-9a-f]{64}\b")
CONNECT = re.compile(r"(?:/v[\d.]+)?/networks/([^/]+)/connect")


def less(kind, body):
    """Enough for something of that name."""
    if kind != "containers":
        return {key: body[key] for key in ("Name", "Labels", "CheckDuplicate") if key in body}
    endpoints = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    mode = body["HostConfig"].get("NetworkMode")
    return {
        "Image": body["Image"],
        "Cmd": ["sleep", "1000"],
        "Labels": body["Labels"],
        "HostConfig": {"NetworkMode": mode, "Init": True},
        "NetworkingConfig": {"EndpointsConfig": {mode: {}} if mode in endpoints else {}},
    }


class Client(threading.Thread):
    def __init__(self, recorder, client):
        super().__init__(daemon=True)
        self.recorder, self.client, self.pending = recorder, client, b""
        self.engine = socket.socket(socket.AF_UNIX)
        self.engine.connect(recorder.engine)

    def run(self):
        back = threading.Thread(target=self.answers, daemon=True)
        back.start()
        try:
            while self.request():
                pass
        except OSError:
            pass
        finally:
            try:
                self.engine.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            back.join()
            self.engine.close()
            self.client.close()

    def answers(self):
        """As they come, but for the version."""
        try:
            while data := self.engine.recv(1 << 16):
                self.client.sendall(self.recorder.renamed(data))
            self.client.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def more(self):
        data = self.client.recv(1 << 16)
        self.pending += data
        return bool(data)

    def take(self, count):
        while len(self.pending) < count:
            if not self.more():
                raise OSError("cut off")
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def take_through(self, mark):
        while mark not in self.pending:
            if not self.more():
                return b""
        return self.take(self.pending.index(mark) + len(mark))

    def request(self):
        head = self.take_through(b"\r\n\r\n")
        if not head:
            return False
        length = LENGTH.search(head)
        body = self.take(int(length.group(1))) if length else b""
        path = head.split(b" ", 2)[1].decode()
        if body:
            body = self.recorder.record(path, body)
            head = LENGTH.sub(b"\r\nContent-Length: %d" % len(body), head)
        self.engine.sendall(self.recorder.older(head) + body)
        if CHUNKED.search(head):
            self.relay_chunks()
        if UPGRADE.search(head):
            self.relay_rest()
            return False
        return True

    def relay_chunks(self):
        size = 1
        while size:
            line = self.take_through(b"\r\n")
            size = int(line.split(b";")[0], 16)
            self.engine.sendall(line + self.take(size + 2))

    def relay_rest(self):
        while self.pending or self.more():
            self.engine.sendall(self.pending)
            self.pending = b""


class Recorder:
    """Of one stand-up: use its `address` as DOCKER_HOST, then read `bodies`."""

    def __init__(self, engine, folder, api=None):
        self.engine, self.api = engine.removeprefix("unix://"), api
        self.bodies = {"containers": {}, "networks": {}, "volumes": {}, "connections": {}}
        path = os.path.join(folder, f"recorder-{len(os.listdir(folder))}.sock")
        self.address = f"unix://{path}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            Client(self, client).start()

    def renamed(self, data):
        if not self.api:
            return data
        data = re.sub(rb"(?i)(\r\napi-version: )[\d.]+", lambda match: match.group(1) + self.api.encode(), data, count=1)
        return re.sub(rb'"ApiVersion":"1\.41"', b'"ApiVersion":"%s"' % self.api.encode(), data)

    def older(self, head):
        """The version that the engine behind speaks is named by no path."""
        return re.sub(rb"^([A-Z]+) /v[\d.]+/", rb"\1 /", head) if self.api else head

    def record(self, path, body):
        path, _, query = path.partition("?")
        create, connect = CREATE.fullmatch(path), CONNECT.fullmatch(path)
        if create:
            kind, asked = create.group(1), self.by_name(json.loads(body))
            name = re.search(r"name=([^&]+)", query)
            self.bodies[kind][name.group(1) if name else asked["Name"]] = asked
            return json.dumps(less(kind, json.loads(body))).encode()
        if connect:
            return self.connect(connect.group(1), json.loads(body))
        return body

    def connect(self, network, asked):
        """A further network of a container, by an engine that creates with one."""
        self.bodies["connections"].setdefault(self.name(asked["Container"]), {})[network] = asked["EndpointConfig"]
        return json.dumps({"Container": asked["Container"]}).encode()

    def by_name(self, value):
        """Containers may be meant by their IDs."""
        return json.loads(ID.sub(lambda match: self.name(match.group()), json.dumps(value)))

    def name(self, container):
        asking = http.client.HTTPConnection("engine")
        asking.sock = socket.socket(socket.AF_UNIX)
        asking.sock.connect(self.engine)
        asking.request("GET", f"/containers/{container}/json")
        return json.loads(asking.getresponse().read()).get("Name", container).lstrip("/")
