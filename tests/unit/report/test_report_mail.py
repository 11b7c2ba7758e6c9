"""A mail with a password, against a real TLS server on loopback: it arrives, and nothing secret goes before TLS."""

from __future__ import annotations

import base64
import shutil
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from perennial.config.settings import SmtpAlert
from perennial.report.alerts import Night, send_alert

NIGHT = Night(outcome="failed", lines=("dbt: a test failed",))
ENV = {"MAIL_USER": "night", "MAIL_PASSWORD": "only-over-tls"}
AUTH_PLAIN = base64.b64encode(b"\0night\0only-over-tls").decode()


@dataclass
class Mailbox:
    """What a server was sent, line by line, before TLS and within it."""

    port: int = 0
    clear: list[str] = field(default_factory=list)
    secured: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for `localhost`, signed by itself, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl program in PATH, so no certificate for a mail server of this test's own")
    folder = tmp_path_factory.mktemp("mail")
    chain, key = folder / "localhost.pem", folder / "key.pem"
    subprocess.run(
        [
            program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(chain),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )  # fmt: skip
    return chain, key


@contextmanager
def mail_server(certificate: tuple[Path, Path], *, offers_tls: bool) -> Iterator[Mailbox]:
    """A submission server that speaks just enough SMTP. It takes a password whenever it is given one."""
    mailbox = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            self.request.sendall(b"220 localhost\r\n")
            try:
                if self.talk(mailbox.clear, b"STARTTLS" if offers_tls else b"AUTH PLAIN"):
                    self.request = context.wrap_socket(self.request, server_side=True)
                    self.talk(mailbox.secured, b"AUTH PLAIN")
            except OSError:  # the client would not go on, as with a certificate it does not trust
                return

        def talk(self, heard: list[str], offer: bytes) -> bool:
            """Answer until the client leaves or asks for TLS; true for TLS."""
            in_message = False
            with self.request.makefile("rb") as lines:
                for raw in lines:
                    heard.append(raw.decode().rstrip("\r\n"))
                    word = heard[-1].split(" ")[0].upper()
                    if in_message:
                        in_message = heard[-1] != "."
                        answer = b"" if in_message else b"250 kept\r\n"
                    elif word == "STARTTLS":
                        self.request.sendall(b"220 go on\r\n")
                        return True
                    elif word == "QUIT":
                        self.request.sendall(b"221 bye\r\n")
                        return False
                    else:
                        in_message = word == "DATA"
                        answer = {
                            "EHLO": b"250-localhost\r\n250 %s\r\n" % offer,
                            "AUTH": b"235 come in\r\n",
                            "DATA": b"354 go on\r\n",
                        }.get(word, b"250 fine\r\n")
                    self.request.sendall(answer)
            return False

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mailbox.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()


def alert(port: int) -> SmtpAlert:
    return SmtpAlert.model_validate(
        {
            "kind": "smtp", "host": "localhost", "port": port, "from": "night@example.com", "to": "ops@example.com",
            "user_env": "MAIL_USER", "password_env": "MAIL_PASSWORD",
        }
    )  # fmt: skip


def test_a_mail_with_a_password_arrives_over_tls_and_nothing_of_it_goes_before(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(certificate, offers_tls=True) as mailbox:
        assert send_alert([alert(mailbox.port)], ENV, NIGHT) == []
    assert [line.split(" ")[0].upper() for line in mailbox.clear] == ["EHLO", "STARTTLS"]
    assert f"AUTH PLAIN {AUTH_PLAIN}" in mailbox.secured
    assert "rcpt TO:<ops@example.com>" in mailbox.secured
    assert "- dbt: a test failed" in mailbox.secured
    assert mailbox.secured.index(f"AUTH PLAIN {AUTH_PLAIN}") < mailbox.secured.index("data")


def test_the_same_server_without_tls_gets_neither_password_nor_mail(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(certificate, offers_tls=False) as mailbox:
        (problem,) = send_alert([alert(mailbox.port)], ENV, NIGHT)
    assert problem.startswith("alerts[0] (smtp): not sent, SMTPNotSupportedError")
    assert {line.split(" ")[0].upper() for line in mailbox.clear} <= {"EHLO", "QUIT"}
    assert mailbox.secured == []


def test_a_server_whose_certificate_nobody_vouches_for_gets_neither_password_nor_mail(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with mail_server(certificate, offers_tls=True) as mailbox:
        (problem,) = send_alert([alert(mailbox.port)], ENV, NIGHT)
    assert problem.startswith("alerts[0] (smtp): not sent, SSLCertVerificationError")
    assert [line.split(" ")[0].upper() for line in mailbox.clear] == ["EHLO", "STARTTLS"]
    assert mailbox.secured == []
