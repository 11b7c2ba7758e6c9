"""From a destination's settings to the destination itself.

What lives here: the one list of kinds. What does not: the kinds, and reading perennial.yml.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perennial.config import secrets
from perennial.config import settings as configured
from perennial.destinations.base import Destination
from perennial.destinations.files import FilesDestination
from perennial.destinations.webhook import WebhookDestination


def build(
    name: str, settings: configured.WebhookDestination | configured.FilesDestination, env: Mapping[str, str]
) -> Destination:
    """The destination called `name`, its secret looked up."""
    if isinstance(settings, configured.FilesDestination):
        return FilesDestination(Path(settings.path))
    secret = secrets.resolve(env, settings.secret_env, f"destinations.{name}.secret_env")
    return WebhookDestination(
        settings.url,
        secret,
        batch_size=settings.batch_size,
        timeout_seconds=settings.timeout_seconds,
        allow_private_address=settings.allow_private_address,
    )
