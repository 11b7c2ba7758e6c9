"""The `perennial` command: one typer app made of the command modules named below.

What lives here: the list of command modules and how they are joined. What does not: any command; each module registers
its own and imports what it needs only when its command runs, so that `perennial --help` stays fast.
"""

from __future__ import annotations

import importlib
import importlib.util

import typer

COMMAND_MODULES = (
    "perennial.cli.check",
    "perennial.cli.demo",
    "perennial.cli.audience",
    "perennial.cli.explain",
    "perennial.cli.identity",
    "perennial.cli.plan",
    "perennial.cli.receive",
    "perennial.cli.report",
    "perennial.cli.sandbox",
    "perennial.cli.source",
    "perennial.cli.upgrade",
)


def build_app(modules: tuple[str, ...] = COMMAND_MODULES) -> typer.Typer:
    """The app with every command module that is installed. A module that exists but fails to import is an error."""
    app = typer.Typer(
        name="perennial",
        help="Warehouse-native customer lifecycle pipeline: commands for people at a terminal.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
    )
    app.callback()(_no_options)  # with one command only, typer would otherwise drop its name
    for name in modules:
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name).register(app)
    return app


def _no_options() -> None:
    """Warehouse-native customer lifecycle pipeline: commands for people at a terminal."""


def main() -> None:
    build_app()()


if __name__ == "__main__":
    main()
