# SPDX-License-Identifier: Apache-2.0
"""TLS servers with a certificate that openssl makes at the start."""

import os
import pathlib
import select
import socket
import ssl
import subprocess
import tempfile

import children
import cleanup
import expect
import servers
from settings import scaled

CONFIGURATION = """[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = trustrun test
[extensions]
subjectAltName = DNS:*.example.test, IP:127.0.0.1
"""


@cleanup.once("run")
def certificate():
    """The folder with certificate.pem and key.pem."""
    folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(folder.cleanup)
    path = pathlib.Path(folder.name)
    path.chmod(0o755)
    (path / "openssl.cnf").write_text(CONFIGURATION)
    command = ["openssl", "req", "-x509", "-config", path / "openssl.cnf", "-nodes", "-days", "2",
               "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
               "-keyout", path / "key.pem", "-out", path / "certificate.pem"]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=scaled(20))
    expect.equal(made.returncode, 0, f"openssl req: {made.stderr}")
    return path


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate() / "certificate.pem", certificate() / "key.pem")
    return context


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class PythonTls(servers.Server):
    """Handshakes through Python's ssl, reads until the client is done, answers `hello`, closes. `curve`: the one that it takes, so that clients
    that begin with another one are asked for a second ClientHello."""

    def __init__(self, address="127.0.0.1", port=0, namespace=None, curve=None):
        context = server_context()
        if curve:
            context.set_ecdh_curve(curve)
        super().__init__(_serve_tls, context, address, port, namespace=namespace)


def _serve_tls(parent, context, address, port):
    listener = servers.listen(address, port)
    parent.send(listener.getsockname()[1])
    while True:
        connection = listener.accept()[0]
        connection.settimeout(scaled(20))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(65536)
                stream.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                stream.unwrap()
        except OSError:
            pass
        finally:
            connection.close()


class OpensslServer:
    """`openssl s_server` on loopback; answers as a small web server."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.program = children.Program(
            "openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-www",
            "-cert", certificate() / "certificate.pem", "-key", certificate() / "key.pem")
        self.pid = self.program.pid
        output, said = self.program.stdout.fileno(), b""
        while b"ACCEPT" not in said:
            ready = select.select([output], [], [], scaled(10))[0]
            said += os.read(output, 4096) if ready else b""
            expect.true(ready, f"openssl s_server does not listen: {said!r}")
