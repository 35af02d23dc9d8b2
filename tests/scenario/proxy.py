#!/usr/bin/env python3
"""Usage: proxy.py SOCKET [ADDRESS]: a TCP port in front of a unix socket. Prints the port, then serves."""

import socket
import sys
import threading


def relay(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, path):
    engine = socket.socket(socket.AF_UNIX)
    with client, engine:
        engine.connect(path)
        back = threading.Thread(target=relay, args=(engine, client))
        back.start()
        relay(client, engine)
        back.join()


def main():
    path, address = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    listener = socket.create_server((address, 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, path), daemon=True).start()


main()
