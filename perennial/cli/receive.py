"""`perennial receive`: take signed webhooks of the configured sources and keep them for the next night.

What lives here: which hooks this installation has, and serving them. What does not: signatures and files
(perennial/sources/inbound.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.context import WRONG_USE, context, plain_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perennial.config.settings import Settings
    from perennial.sources.inbound import Hook

Port = Annotated[int, typer.Option(help="Loopback port; put a proxy that speaks TLS in front of it.")]


def register(app: typer.Typer) -> None:
    app.command("receive")(receive)


def receive(port: Port = 47_803) -> None:
    """Take webhooks until interrupted. What was answered with 200 is on disk and read by the next night."""
    from perennial.sources.inbound import receiver, serve
    from perennial.sources.inbox import inbox_of

    with plain_errors():
        settings, home, env = context()
        home.prepare()
        hooks = hooks_of(settings, env)
    if not hooks:
        typer.echo("no source of perennial.yml names a webhook; write `hook_env: {events: VARIABLE}` there", err=True)
        raise typer.Exit(WRONG_USE)
    for each in hooks:
        typer.echo(f"http://127.0.0.1:{port}/{each}")
    serve(receiver(inbox_of(home), hooks), port=port)


def hooks_of(settings: Settings, env: Mapping[str, str]) -> dict[str, Hook]:
    """`source/hook` → how it signs. Raises ConfigError where a signing key is not set."""
    from perennial.config.secrets import resolve
    from perennial.sources.inbound import Hook

    return {
        f"{name}/{hook}": Hook(source.kind, resolve(env, variable, f"sources.{name}.hook_env.{hook}"))
        for name, source in settings.sources.items()
        for hook, variable in getattr(source, "hook_env", {}).items()
    }
