"""An app that answers over HTTPS on this machine, with a certificate of its own."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HEALTHY: dict[str, Any] = {
    "healthy": True,
    "synchronisation": {"on": True, "tables": ["contact"]},
    "queues": {"sync-live": {"active": 0, "oldestSeconds": 0}},
}


@dataclass
class AppStandIn:
    """Where it answers, the certificate to trust, and what it says of its health."""

    host: str
    certificate: Path
    health: dict[str, Any]


@contextmanager
def running_app(folder: Path) -> Iterator[AppStandIn]:
    """Serve health, mapping and resync while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name of the method
            if self.path == "/api/health":
                self._send(200 if app.health.get("healthy") else 503, json.dumps(app.health))
            else:
                self._send(200, "the live mapping")

        def do_POST(self) -> None:  # the name of the method
            self.rfile.read(int(self.headers["content-length"]))
            self._send(202, "{}")

        def _send(self, status: int, body: str) -> None:
            self.send_response(status if self.headers["x-functions-key"] == "function-key-1" else 401)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    certificate = _certificate(folder)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    app = AppStandIn(f"127.0.0.1:{server.server_port}", certificate, HEALTHY)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "app.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
