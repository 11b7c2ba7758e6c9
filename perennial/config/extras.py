"""What perennial.yml may ask for and a plain installation lacks.

What lives here: whether an extra is installed, without importing it, and how to install it. What does not: using it.
"""

from __future__ import annotations

import importlib.util

from perennial.config.problems import ConfigError
from perennial.config.settings import Settings

SPLINK_MISSING = (
    "probabilistic links need Splink, which is not installed: .venv/bin/python -m pip install --no-deps "
    "--require-hashes -r perennial/landing/requirements-splink.lock"
)


def lacking(settings: Settings) -> str | None:
    """The extra that these settings ask for and that is not there, and what to do; None where all is well."""
    if settings.identity.probabilistic is None or importlib.util.find_spec("splink") is not None:
        return None
    return SPLINK_MISSING


def require(settings: Settings) -> None:
    """ConfigError where these settings ask for an extra that is not installed."""
    problem = lacking(settings)
    if problem is not None:
        raise ConfigError([f"identity.probabilistic: {problem}; or remove the setting"])
