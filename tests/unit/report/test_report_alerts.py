"""Alerts over real loopback HTTP and SMTP and a real command: one message, and never an exception."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from perennial.config.settings import CommandAlert, SmtpAlert, WebhookAlert
from perennial.report.alerts import Night, send_alert

NIGHT = Night(
    outcome="held",
    lines=("win_back → mailer: 40% of the members would leave; look at `perennial plan list`",),
    as_of="2026-11-01 00:00:00 UTC",
    snapshot_id="20261101T000000",
)


@contextmanager
def web(status: int = 200) -> Iterator[tuple[str, list[dict]]]:
    """A loopback web server that keeps the JSON it is posted and answers with one status."""
    got: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/alerts?token=hush", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A loopback SMTP sink that speaks just enough of the protocol and keeps every line it is sent."""
    lines: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        with line, line.makefile("rwb", buffering=0) as talk:
            talk.write(b"220 sink\r\n")
            in_message = False
            for raw in talk:
                text = raw.decode().rstrip("\r\n")
                lines.append(text)
                word = text.split(" ")[0].upper()
                if in_message:
                    in_message = text != "."
                    if not in_message:
                        talk.write(b"250 kept\r\n")
                elif word == "DATA":
                    in_message = True
                    talk.write(b"354 go on\r\n")
                elif word == "QUIT":
                    talk.write(b"221 bye\r\n")
                    return
                else:
                    talk.write(b"250 sink\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1]), lines
    finally:
        thread.join(timeout=10)
        listener.close()


def smtp(port: int, **more: str) -> SmtpAlert:
    given = {"kind": "smtp", "host": "127.0.0.1", "port": port, "from": "night@example.com", "to": "ops@example.com"}
    return SmtpAlert.model_validate(given | more)


def test_a_webhook_gets_the_message_and_its_parts_as_json() -> None:
    with web() as (url, got):
        assert send_alert([WebhookAlert(kind="webhook", url_env="HOOK")], {"HOOK": url}, NIGHT) == []
    (content,) = got
    assert content["outcome"] == "held"
    assert content["lines"] == list(NIGHT.lines)
    assert content["text"].startswith("Perennial (perennial): the night held: a guard stopped an activation")
    assert "snapshot 20261101T000000" in content["text"]


def test_a_mail_goes_out_with_subject_sender_recipient_and_every_line() -> None:
    with mail_server() as (port, lines):
        assert send_alert([smtp(port)], {}, NIGHT) == []
    assert "mail FROM:<night@example.com>" in lines and "rcpt TO:<ops@example.com>" in lines
    message = email.message_from_string(
        "\n".join(lines[lines.index("data") + 1 : lines.index(".")]), policy=policy.default
    )
    assert message["From"] == "night@example.com" and message["To"] == "ops@example.com"
    assert message["Subject"] == NIGHT.subject
    assert message.get_content().strip() == NIGHT.text.strip()


def test_a_password_never_goes_to_a_mail_server_without_tls() -> None:
    env = {"MAIL_USER": "night", "MAIL_PASSWORD": "only-over-tls"}
    with mail_server() as (port, lines):
        problems = send_alert([smtp(port, user_env="MAIL_USER", password_env="MAIL_PASSWORD")], env, NIGHT)
    assert len(problems) == 1 and problems[0].startswith("alerts[0] (smtp): not sent")
    assert [line for line in lines if "AUTH" in line.upper() or "only-over-tls" in line or "rcpt" in line] == []


def test_a_command_gets_the_message_on_its_standard_input_and_no_shell_reads_it(tmp_path: Path) -> None:
    night = Night(outcome="failed", lines=("dbt: $(touch /tmp/never) `id`; a && b",))
    alert = CommandAlert(kind="command", command=("tee", str(tmp_path / "a name; with blanks")))
    assert send_alert([alert], {"PATH": "/usr/bin:/bin"}, night) == []
    text = (tmp_path / "a name; with blanks").read_text()
    assert text == night.text
    assert "- dbt: $(touch /tmp/never) `id`; a && b" in text


def test_each_alert_that_fails_is_reported_and_the_others_are_still_sent(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        closed = int(unused.getsockname()[1])
        with web(status=500) as (broken, _), web() as (working, got):
            alerts = [
                WebhookAlert(kind="webhook", url_env="NOT_SET"),
                WebhookAlert(kind="webhook", url_env="BROKEN"),
                WebhookAlert(kind="webhook", url_env="GARBLED"),
                smtp(closed),
                CommandAlert(kind="command", command=("false",)),
                CommandAlert(kind="command", command=("/no/such/command",)),
                WebhookAlert(kind="webhook", url_env="WORKING"),
            ]
            env = {"BROKEN": broken, "WORKING": working, "GARBLED": "not an address hush", "PATH": "/usr/bin:/bin"}
            problems = send_alert(alerts, env, NIGHT)
    assert len(got) == 1
    assert [problem.split(":")[0].split(".")[0] for problem in problems] == [
        "alerts[0] (webhook)", "alerts[1] (webhook)", "alerts[2] (webhook)", "alerts[3] (smtp)", "alerts[4] (command)",
        "alerts[5] (command)",
    ]  # fmt: skip
    assert "NOT_SET is not set" in problems[0]
    assert "answered 500" in problems[1]
    assert "status 1" in problems[4]
    assert [problem for problem in problems if "hush" in problem] == []


@pytest.mark.parametrize("outcome", ["failed", "held", "degraded"])
def test_every_outcome_has_a_headline_of_one_line(outcome: str) -> None:
    night = Night(outcome=outcome, lines=("first\nsecond",), installation="shop\r\nBcc: everyone@example.com")  # type: ignore[arg-type]
    assert len(night.subject.splitlines()) == 1
    assert night.text.splitlines() == [night.subject, "- first second"]
