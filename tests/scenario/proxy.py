#!/usr/bin/env python3
"""Usage: proxy.py SOCKET [ADDRESS [FOLDER]]: a TCP port in front of a unix socket. Prints the port, then serves.

With a folder it speaks TLS, with its server.pem, to whoever has a certificate that its ca.pem has signed."""

import socket
import ssl
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


def wrap(client, folder):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=f"{folder}/ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= 0x80  # SSL_OP_IGNORE_UNEXPECTED_EOF: as Go, take a bare FIN for the end of one direction
    context.load_cert_chain(f"{folder}/server.pem")
    return context.wrap_socket(client, server_side=True)


def serve(client, path, folder):
    engine = socket.socket(socket.AF_UNIX)
    if folder:
        client = wrap(client, folder)
    with client, engine:
        engine.connect(path)
        back = threading.Thread(target=relay, args=(engine, client))
        back.start()
        relay(client, engine)
        back.join()


def main():
    path, address, folder, *_ = [*sys.argv[1:], *["127.0.0.1", None][len(sys.argv) - 2:]]
    listener = socket.create_server((address, 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, path, folder), daemon=True).start()


main()
