#!/usr/bin/env python3
"""A fake Docker engine: honest and small, and it fails on demand. See README.md."""

import argparse
import io
import json
import os
import queue
import re
import socketserver
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, unquote, urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from state import Refused, State, frame, has_labels  # noqa: E402


class Cut(Exception):
    """Close the connection now."""


class Faults:
    """Which request fails, and how. Counts all requests, and those that each fault matches."""

    def __init__(self, faults):
        self.lock = threading.Lock()
        self.set(faults)

    def set(self, faults):
        with self.lock:
            self.faults, self.requests, self.seen = faults, 0, [0] * len(faults)

    def next(self, method, path):
        """Count a request; answers its number and its fault, or {}."""
        with self.lock:
            self.requests += 1
            chosen = {}
            for i, fault in enumerate(self.faults):
                if not re.search(fault.get("match", ""), f"{method} {path}"):
                    continue
                self.seen[i] += 1
                if fault.get("at", self.requests) == self.requests and \
                        fault.get("nth", self.seen[i]) == self.seen[i] and not chosen:
                    chosen = fault
            return self.requests, chosen


ROUTES = []


def route(method, pattern):
    def add(function):
        ROUTES.append((method, re.compile(pattern + "$"), function))
        return function
    return add


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Docker/fake"
    fault = {}

    def log_message(self, *_):
        pass

    def address_string(self):
        return "local"

    # ---- Requests ----

    def serve(self):
        url = urlsplit(self.path)
        versioned = re.match(r"/v1\.(\d+)(/.*)", url.path)
        self.route_path = unquote(versioned[2] if versioned else url.path)
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.state, self.fault, self.sent = self.server.state, {}, 0
        self.body_was_read = False
        if self.route_path == "/_fake":
            if self.command == "POST":
                self.server.faults.set(self.json()["faults"])
            return self.answer(200, self.server.report())
        if not self.headers.get("User-Agent", "").startswith("envrun-reaper/"):
            number, self.fault = self.server.faults.next(self.command, self.route_path)
            self.server.log(f"{number} {self.command} {self.path}")
        try:
            self.fail_before()
            if versioned and int(versioned[1]) > self.server.minor:
                raise Refused(400, f"client version 1.{versioned[1]} is too new. Maximum supported "
                                   f"API version is 1.{self.server.minor}")
            self.dispatch()
        except Refused as refused:
            self.refuse(refused.status, refused.message)
        except (Cut, BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    def dispatch(self):
        for method, pattern, function in ROUTES:
            match = pattern.match(self.route_path)
            if match and method == self.command:
                return function(self, *match.groups())
        raise Refused(404, "page not found")

    def body(self):
        self.body_was_read = True
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline() or self.given_up(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        size = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(size)
        return data if len(data) == size else self.given_up()

    def given_up(self):
        """The client has closed the connection."""
        raise Cut

    def json(self):
        return json.loads(self.body() or b"{}")

    def filters(self):
        filters = json.loads(self.query.get("filters") or "{}")
        return {k: list(v) for k, v in filters.items()}

    # ---- Faults ----

    def fail_before(self):
        do = self.fault.get("do")
        if do == "delay":
            time.sleep(self.fault.get("seconds", 1))
        elif do == "stall":
            time.sleep(self.fault.get("seconds", 3600))
            raise Cut
        elif do == "drop-before":
            self.body()
            raise Cut
        elif do == "status":
            self.body()
            raise Refused(self.fault.get("status", 500), self.fault.get("message", "a fault was asked for"))
        elif do == "kill":
            os._exit(1)

    def write(self, data):
        """All that is written passes here: it may be cut, split or held up."""
        do, at = self.fault.get("do"), self.fault.get("bytes", 0)
        if do == "split":
            for i in range(0, len(data), at or 1):
                self.wfile.write(data[i:i + (at or 1)])
                self.wfile.flush()
                time.sleep(self.fault.get("seconds", 0.001))
            return
        if do in ("cut", "hang") and self.sent + len(data) > at:
            self.wfile.write(data[:at - self.sent])
            self.wfile.flush()
            if do == "hang":
                time.sleep(self.fault.get("seconds", 3600))
            raise Cut
        self.sent += len(data)
        self.wfile.write(data)
        self.wfile.flush()

    # ---- Answers ----

    def head(self, status, *headers):
        self.send_response(status)
        self.send_header("Api-Version", f"1.{self.server.minor}")
        self.send_header("Ostype", "linux")
        self.send_header("Builder-Version", "2")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status, value=None):
        if self.fault.get("do") == "drop-after":
            raise Cut
        data = b"" if value is None else json.dumps(value).encode()
        if self.fault.get("do") == "garbage":
            data = b'{"Id": "half of an ans'
        self.head(status, ("Content-Type", "application/json"), ("Content-Length", str(len(data))))
        self.write(data)

    def refuse(self, status, message):
        data = json.dumps({"message": message}).encode()
        if status == 304 or self.command == "HEAD":
            data = b""
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        if not self.body_was_read and self.command in ("POST", "PUT"):
            headers.append(("Connection", "close"))
        self.head(status, *headers)
        self.wfile.write(data)

    def text(self, status, text):
        self.head(status, ("Content-Type", "text/plain"), ("Content-Length", str(len(text))))
        if self.command != "HEAD":
            self.write(text.encode())

    def stream(self, kind, pieces):
        """A chunked answer."""
        self.head(200, ("Content-Type", kind), ("Transfer-Encoding", "chunked"))
        self.wfile.flush()
        for piece in pieces:
            if piece:
                self.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        if self.fault.get("do") == "error-line":
            line = json.dumps({"errorDetail": {"message": self.fault["message"]},
                               "error": self.fault["message"]}).encode() + b"\r\n"
            self.write(b"%x\r\n" % len(line) + line + b"\r\n")
        self.write(b"0\r\n\r\n")

    def lines(self, objects):
        self.stream("application/json", (json.dumps(o).encode() + b"\r\n" for o in objects))

    def hijack(self):
        """From here on the connection is a stream."""
        upgrade = "Upgrade" in self.headers.get("Connection", "")
        self.send_response(101 if upgrade else 200, "UPGRADED" if upgrade else "OK")
        self.send_header("Content-Type", "application/vnd.docker.raw-stream")
        if upgrade:
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "tcp")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True

    def output(self, items, tty):
        for stream, data in items:
            yield data if tty else frame(stream, data)


# ---- The engine ----

@route("GET", "/_ping")
@route("HEAD", "/_ping")
def ping(h):
    h.text(200, "OK")


@route("GET", "/version")
def version(h):
    h.answer(200, {"Version": "fake", "ApiVersion": f"1.{h.server.minor}", "Os": "linux", "Arch": "amd64"})


@route("GET", "/info")
def info(h):
    h.answer(200, {"ID": "FAKE", "OSType": "linux", "Architecture": "x86_64", "Name": "fake",
                   "NCPU": 2, "MemTotal": 1 << 32, "Driver": "overlay2", "ServerVersion": "fake"})


@route("GET", "/events")
def events(h):
    seconds, _, fraction = h.query.get("since", "0").partition(".")
    listener = h.state.listen(h.filters(), int(seconds) * 10**9 + int((fraction + "000000000")[:9]))

    def pieces():
        while True:
            try:
                yield json.dumps(listener.get(timeout=0.5)).encode() + b"\n"
            except queue.Empty:
                if h.server.closing:
                    return
    try:
        h.stream("application/json", pieces())
    finally:
        h.state.forget(listener)


# ---- Images ----

@route("GET", "/images/(.+)/json")
def image_inspect(h, name):
    try:
        h.answer(200, h.state.image(name))
    except Refused as refused:  # as 20.10 words it
        raise Refused(404, f"no such image: {name}: {refused.message}")


@route("POST", "/images/create")
def image_create(h):
    h.body()
    name = f"{h.query['fromImage']}:{h.query.get('tag', 'latest')}"
    known = h.state.scenario.get("registry") or {}
    if name not in known and name not in h.state.images:
        raise Refused(404, f"pull access denied for {h.query['fromImage']}, repository does not exist "
                           "or may require 'docker login': denied")

    def objects():
        yield {"status": f"Pulling from {h.query['fromImage']}", "id": h.query.get("tag", "latest")}
        for layer in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
            yield {"status": "Downloading", "progress": "[=>  ] 1MB/2MB", "id": layer,
                   "progressDetail": {"current": 1, "total": 2}}
            yield {"status": "Pull complete", "id": layer}
        if h.fault.get("do") != "error-line":
            h.state.add_image(name, known.get(name) or {})
            yield {"status": f"Status: Downloaded newer image for {name}"}
    h.lines(objects())


@route("DELETE", "/images/(.+)")
def image_delete(h, name):
    image = h.state.image(name)
    h.state.images = {k: v for k, v in h.state.images.items() if v is not image}
    h.answer(200, [{"Deleted": image["Id"]}])


@route("GET", "/images/json")
def images(h):
    wanted = h.filters().get("label", [])
    listed = [{**image, "Labels": image["Config"].get("Labels") or {}} for image in h.state.images.values()]
    h.answer(200, [image for image in listed if has_labels(image["Labels"], wanted)])


@route("POST", "/build")
def build(h):
    with tarfile.open(fileobj=io.BytesIO(h.body())) as archive:
        names = archive.getnames()
        dockerfile = h.query.get("dockerfile", "Dockerfile")
        if dockerfile not in names:
            raise Refused(500, f"Cannot locate specified Dockerfile: {dockerfile}")
        steps = archive.extractfile(dockerfile).read().decode().splitlines()
    steps = [s for s in steps if s.strip() and not s.startswith("#")]
    h.server.context = names

    def objects():
        for i, step in enumerate(steps):
            words = f"Step {i + 1}/{len(steps)} : {step}\n"
            yield {"stream": words[:7]}  # the real one cuts anywhere, too
            yield {"stream": words[7:]}
        if h.fault.get("do") != "error-line":
            labels = json.loads(h.query.get("labels") or "{}")
            image = h.state.add_image(h.query.get("t") or "<none>", {"Labels": labels, "Built": steps})
            yield {"aux": {"ID": image["Id"]}}
            yield {"stream": f"Successfully built {image['Id'][7:19]}\n"}
    h.lines(objects())


# ---- Containers ----

@route("POST", "/containers/create")
def container_create(h):
    body = h.json()
    c = h.state.create(h.query.get("name"), body)
    h.answer(201, {"Id": c.id, "Warnings": []})


@route("GET", "/containers/json")
def container_list(h):
    wanted = h.filters().get("label", [])
    with h.state.lock:
        found = [c.summary() for c in h.state.containers.values() if has_labels(c.labels, wanted)
                 and (h.query.get("all") or c.status == "running")]
    h.answer(200, found)


@route("GET", "/containers/([^/]+)/json")
def container_inspect(h, key):
    h.answer(200, h.state.container(key).inspect())


@route("POST", "/containers/([^/]+)/start")
def container_start(h, key):
    h.body()
    h.state.container(key).start()
    h.answer(204)


@route("POST", "/containers/([^/]+)/stop")
def container_stop(h, key):
    h.body()
    c = h.state.container(key)
    if not c.stop(c.stop_signal_code()):
        raise Refused(304, "already stopped")
    h.answer(204)


@route("POST", "/containers/([^/]+)/kill")
def container_kill(h, key):
    h.body()
    c = h.state.container(key)
    if not c.stop(137):
        raise Refused(409, f"Cannot kill container: {key}: Container {c.id} is not running")
    h.answer(204)


@route("POST", "/containers/([^/]+)/wait")
def container_wait(h, key):
    h.body()
    c = h.state.container(key)
    while c.status == "running" and not c.ended.wait(0.5):
        pass
    h.answer(200, {"StatusCode": c.code})


@route("DELETE", "/containers/([^/]+)")
def container_remove(h, key):
    h.state.remove(key)
    h.answer(204)


@route("GET", "/containers/([^/]+)/logs")
def container_logs(h, key):
    c = h.state.container(key)
    lines = c.read(True, h.query.get("follow") == "1")
    h.stream("application/vnd.docker.raw-stream", h.output(iter(lines.get, None), c.tty))


@route("POST", "/containers/([^/]+)/attach")
def container_attach(h, key):
    h.body()
    c = h.state.container(key)
    lines = c.read(h.query.get("logs") == "1", True)
    h.hijack()
    for piece in h.output(iter(lines.get, None), c.tty):
        h.write(piece)


@route("HEAD", "/containers/([^/]+)/archive")
def archive_stat(h, key):
    path = h.query["path"]
    files = h.state.container(key).files
    path = path[:-2].rstrip("/") if path.endswith("/.") else path.rstrip("/")
    if path and path not in files:
        raise Refused(404, f"Could not find the file {path}")
    if path and files[path] is not None and h.query["path"].endswith("/."):
        raise Refused(500, "not a directory")
    h.head(200, ("Content-Length", "0"))


@route("GET", "/containers/([^/]+)/archive")
def archive_get(h, key):
    c = h.state.container(key)
    data = h.state.pack(c, h.query["path"])
    h.head(200, ("Content-Type", "application/x-tar"), ("Content-Length", str(len(data))))
    h.write(data)


@route("PUT", "/containers/([^/]+)/archive")
def archive_put(h, key):
    c = h.state.container(key)
    h.state.unpack(c, h.query["path"], h.body())
    h.answer(200)


# ---- Execs ----

@route("POST", "/containers/([^/]+)/exec")
def exec_create(h, key):
    h.answer(201, {"Id": h.state.create_exec(key, h.json())["ID"]})


@route("GET", "/exec/([^/]+)/json")
def exec_inspect(h, id):
    e = h.state.exec(id)
    h.answer(200, {k: e[k] for k in ("ID", "Running", "ExitCode")})


@route("POST", "/exec/([^/]+)/resize")
def exec_resize(h, id):
    h.body()
    e = h.state.exec(id)
    if not e["Running"]:
        raise Refused(500, "cannot resize a stopped container: unknown")
    e["size"] = (int(h.query["h"]), int(h.query["w"]))
    h.answer(200)


def exec_run(h, e):
    script, tty = e["script"], e["body"].get("Tty")
    for stream, text in ((1, script.get("stdout", "")), (2, script.get("stderr", ""))):
        if text:
            data = text.encode("utf-8", "surrogateescape")
            h.write(data if tty else frame(stream, data))
    if e["body"].get("AttachStdin") and not script.get("deaf"):
        while data := h.rfile.read1(65536):
            if script.get("echo", True):
                h.write(data if tty else frame(1, data))
            if tty and b"\x04" in data:
                break
    time.sleep(script.get("seconds", 0))


@route("POST", "/exec/([^/]+)/start")
def exec_start(h, id):
    h.json()
    e = h.state.exec(id)
    e["Running"] = True
    h.hijack()
    try:
        exec_run(h, e)
    finally:
        threading.Timer(e["script"].get("late", 0), exec_end, [e]).start()


def exec_end(e):
    e["ExitCode"], e["Running"] = e["script"].get("exit", 0), False


# ---- Networks and volumes ----

@route("POST", "/networks/create")
def network_create(h):
    h.answer(201, {"Id": h.state.create_network(h.json())["Id"], "Warning": ""})


@route("GET", "/networks")
def network_list(h):
    wanted = h.filters().get("label", [])
    h.answer(200, [n for n in list(h.state.networks.values()) if has_labels(n["Labels"], wanted)])


@route("GET", "/networks/([^/]+)")
def network_inspect(h, key):
    h.answer(200, h.state.network(key))


@route("POST", "/networks/([^/]+)/connect")
def network_connect(h, key):
    body = h.json()
    h.state.join(h.state.container(body["Container"]), key, body.get("EndpointConfig") or {})
    h.answer(200)


@route("POST", "/networks/([^/]+)/disconnect")
def network_disconnect(h, key):
    body = h.json()
    h.state.container(body["Container"]).networks.pop(h.state.network(key)["Name"], None)
    h.answer(200)


@route("DELETE", "/networks/([^/]+)")
def network_remove(h, key):
    h.state.remove_network(key)
    h.answer(204)


@route("POST", "/volumes/create")
def volume_create(h):
    h.answer(201, h.state.create_volume(h.json()))


@route("GET", "/volumes")
def volume_list(h):
    wanted = h.filters().get("label", [])
    h.answer(200, {"Volumes": [v for v in list(h.state.volumes.values())
                               if has_labels(v["Labels"], wanted)], "Warnings": []})


@route("GET", "/volumes/([^/]+)")
def volume_inspect(h, name):
    h.answer(200, h.state.volume(name))


@route("DELETE", "/volumes/([^/]+)")
def volume_remove(h, name):
    h.state.remove_volume(name)
    h.answer(204)


# ---- The process ----

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 512
    closing = False
    context = []

    def __init__(self, options, scenario):
        super().__init__(options.socket, Handler)
        self.minor = int(options.api.split(".")[1])
        self.state = State(scenario, self.minor)
        self.faults = Faults(scenario.get("faults", []) + [json.loads(f) for f in options.fault])
        self.log_file = open(options.log, "w", buffering=1) if options.log else None

    def log(self, line):
        if self.log_file:
            self.log_file.write(line + "\n")

    def report(self):
        state = self.state
        with state.lock:
            return {"requests": self.faults.requests, "context": self.context,
                    "containers": {c.name: {"status": c.status, "files": sorted(c.files)}
                                   for c in state.containers.values()},
                    "networks": sorted(n["Name"] for n in state.networks.values()),
                    "volumes": sorted(state.volumes)}

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True, help="where to listen")
    parser.add_argument("--api", default="1.41", help="the API version it has")
    parser.add_argument("--scenario", help="a JSON file, see README.md")
    parser.add_argument("--fault", action="append", default=[], help="one more fault, as JSON")
    parser.add_argument("--log", help="a file that gets one line per request")
    options = parser.parse_args()
    scenario = {}
    if options.scenario:
        with open(options.scenario, encoding="utf-8") as file:
            scenario = json.load(file)
    if os.path.exists(options.socket):
        os.unlink(options.socket)
    server = Server(options, scenario)
    print("listening", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.closing = True


if __name__ == "__main__":
    main()
