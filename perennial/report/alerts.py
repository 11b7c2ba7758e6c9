"""Telling a person about a night that failed, was held or is degraded: webhook, mail or command, as perennial.yml says.

What lives here: the wording of the one message and three ways to send it. What does not: deciding that there is one.
Nothing here raises: what could not be sent comes back as a list of problems, because an alert must not fail the night.
"""

from __future__ import annotations

import smtplib
import ssl
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import httpx

from perennial.config.problems import ConfigError
from perennial.config.secrets import resolve
from perennial.config.settings import CommandAlert, SmtpAlert, WebhookAlert

TIMEOUT_SECONDS = 20.0
SMTP_TLS_PORT = 465  # speaks TLS from the first byte; any other port is asked for STARTTLS when a password is sent
AnyAlert = WebhookAlert | SmtpAlert | CommandAlert
_HEADLINES = {
    "failed": "failed: nothing new was published",
    "held": "held: a guard stopped an activation and waits for a person",
    "degraded": "is degraded: a source is stale or a destination failed",
}


@dataclass(frozen=True)
class Night:
    """What there is to say about one night. `lines`: what happened and what to do, ids only, no addresses."""

    outcome: Literal["failed", "held", "degraded"]
    lines: tuple[str, ...] = ()
    installation: str = "perennial"
    as_of: str = ""
    snapshot_id: str = ""

    @property
    def subject(self) -> str:
        return _one_line(f"Perennial ({self.installation}): the night {_HEADLINES[self.outcome]}")

    @property
    def text(self) -> str:
        facts = [f"as of {self.as_of}"] * bool(self.as_of) + [f"snapshot {self.snapshot_id}"] * bool(self.snapshot_id)
        return "\n".join([self.subject, *facts, *(f"- {_one_line(line)}" for line in self.lines)]) + "\n"


def send_alert(alerts: Iterable[AnyAlert], env: Mapping[str, str], night: Night) -> list[str]:
    """Send one message through every alert. Returns what could not be sent and why; never raises."""
    problems = []
    for number, alert in enumerate(alerts):
        where = f"alerts[{number}] ({alert.kind})"
        try:
            _send(alert, env, night, where)
        except ConfigError as error:
            problems.extend(error.problems)
        except Exception as error:  # whatever a mail server or a command may do, the night goes on
            problems.append(f"{where}: not sent, {_cause(error)}; check that it is reachable from this machine")
    return problems


def _send(alert: AnyAlert, env: Mapping[str, str], night: Night, where: str) -> None:
    match alert:
        case WebhookAlert():
            _post(resolve(env, alert.url_env, f"{where}.url_env"), night)
        case SmtpAlert():
            _mail(alert, env, night, where)
        case CommandAlert():
            _run(alert, env, night)


def _post(url: str, night: Night) -> None:
    content = {
        "text": night.text,
        "outcome": night.outcome,
        "installation": night.installation,
        "as_of": night.as_of,
        "snapshot_id": night.snapshot_id,
        "lines": list(night.lines),
    }
    with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
        response = client.post(url, json=content)
    if not response.is_success:
        raise Unsent(f"the webhook answered {response.status_code}")


def _mail(alert: SmtpAlert, env: Mapping[str, str], night: Night, where: str) -> None:
    message = EmailMessage()
    message["Subject"] = night.subject
    message["From"] = alert.sender
    message["To"] = alert.to if isinstance(alert.to, str) else ", ".join(alert.to)
    message.set_content(night.text)
    user = resolve(env, alert.user_env, f"{where}.user_env") if alert.user_env else None
    password = resolve(env, alert.password_env, f"{where}.password_env") if alert.password_env else None
    with _connect(alert.host, alert.port) as server:
        if password is not None and alert.port != SMTP_TLS_PORT:
            server.starttls(context=ssl.create_default_context())  # raises where the server has no TLS: never in clear
        if user is not None and password is not None:
            server.login(user, password)
        server.send_message(message)


def _connect(host: str, port: int) -> smtplib.SMTP:
    if port == SMTP_TLS_PORT:
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)


def _run(alert: CommandAlert, env: Mapping[str, str], night: Night) -> None:
    """The message goes to the command's standard input; no shell reads it."""
    done = subprocess.run(
        list(alert.command),
        input=night.text.encode(),
        env=dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Unsent(f"the command ended with status {done.returncode}")


class Unsent(Exception):
    """An alert was answered with a refusal."""


def _cause(error: Exception) -> str:
    """A cause without the URL, address or password that library texts may carry."""
    if isinstance(error, Unsent):
        return str(error)
    if isinstance(error, subprocess.TimeoutExpired):
        return f"the command took longer than {TIMEOUT_SECONDS:.0f} seconds"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())
