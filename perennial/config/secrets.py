"""Looking up secrets by the name perennial.yml gives.

What lives here: name → value, from a mapping that is passed in. What does not: reading the environment itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from perennial.config.problems import ConfigError


def resolve(env: Mapping[str, str], name: str, where: str) -> str:
    """The secret called `name`; `where` is the key path that asks for it. Unset and empty are the same."""
    value = env.get(name, "")
    if not value.strip():
        raise ConfigError([f"{where}: the environment variable {name} is not set; set it where the night is started"])
    return value
