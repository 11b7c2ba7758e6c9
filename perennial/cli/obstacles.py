"""What would keep tonight's files, calls and alerts from arriving, tried without leaving a trace.

What lives here: why a folder takes no files, an address does not answer, an alert would not leave. Each is None where
nothing stands in the way. What does not: what is looked at, and how it is told (check.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.config.settings import AnyAlert

CONNECT_SECONDS = 5.0


def cannot_alert(alert: AnyAlert, where: str, env: Mapping[str, str]) -> str | None:
    """Why an alert would not leave this machine. Nothing is sent; a variable that is not set was found already."""
    from perennial.config.addresses import NO_WEB_ADDRESS, is_web_address
    from perennial.config.problems import quoted
    from perennial.config.settings import CommandAlert, WebhookAlert

    if isinstance(alert, WebhookAlert):
        url = env.get(alert.url_env, "")
        if url.strip() and not is_web_address(url):
            return f"{where}.url_env: the value of {alert.url_env} {NO_WEB_ADDRESS}"
    if isinstance(alert, CommandAlert) and shutil.which(alert.command[0], path=env.get("PATH", os.defpath)) is None:
        name = quoted(alert.command[0])
        return f"{where}.command: {name} is no program that can be run; write its whole path and make it executable"
    return None


def cannot_write(folder: Path) -> str | None:
    """Why a folder that is there, or can be made, takes no files."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{there} is a file, not a folder; name another folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{there} cannot be written to; correct its rights"
    return None


def cannot_reach(url: str, allow_private: bool) -> str | None:
    """Why nothing listens at an address. A connection is opened and closed; nothing is sent."""
    import socket
    from urllib.parse import urlsplit

    import httpcore

    from perennial.destinations.guarded_http import PrivateAddress, checked_address

    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = checked_address(host, port, allow_private=allow_private)
        with socket.create_connection((address, port), CONNECT_SECONDS):
            return None
    except (OSError, httpcore.ConnectError) as error:
        return f"{host}:{port} cannot be reached ({type(error).__name__}: {error}); check the address and the network"
    except PrivateAddress as error:
        return f"{error}; set allow_private_address: true where that is meant"
