"""`perennial demo run`: the demo world, its channel and one whole night over it, in a folder of its own.

What lives here: making the world where it is missing, the channel in this process, the night as its own process. What
does not: what a night does, and the summary after it (handed in by the caller).
"""

from __future__ import annotations

import base64
import errno
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from perennial.config.files import write_atomically
from perennial.config.settings import WebhookDestination, load_settings
from perennial.demo.installation import SECRET_ENV, receiver_url
from perennial.demo.make import CONFIG, make_demo, scale_of
from perennial.demo.receiver import Receiver, start_receiver
from perennial.demo.scale import Scale

ROOT = Path(__file__).resolve().parents[2]
NIGHT = ("-m", "orchestration.nightly")
MAILER = "mailer"
Around = Callable[[Path, Scale], AbstractContextManager[Mapping[str, str]]]


def run_demo(
    folder: Path,
    scale: Scale,
    port: int,
    env: Mapping[str, str],
    *,
    show: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda text: print(text, flush=True),
    command: tuple[str, ...] = (sys.executable, *NIGHT),
    around: Around | None = None,
    sandbox_port: int | None = None,
) -> int:
    """Run one night over the demo in this folder. Returns the night's exit status.

    around: what must be running beside the night (the vendors' sandbox); it hands over what the night's environment
    needs for it.
    """
    folder = folder.absolute()
    scale = _world(folder, scale, port, say, sandbox_port)
    secret = env.get(SECRET_ENV) or new_secret()
    beside = around(folder, scale) if around is not None else nullcontext({})
    with channel(folder, secret) as receiver, beside as more:
        say(f"channel: {receiver.url} takes what is sent and keeps it in {folder}/received")
        night_env = {
            "PERENNIAL_AS_OF": scale.as_of.isoformat(),
            **env,
            **more,
            "PERENNIAL_CONFIG": str(folder / CONFIG),
            "PERENNIAL_HOME": str(folder),
            SECRET_ENV: secret,
        }
        status = subprocess.run(list(command), cwd=ROOT, env=night_env, check=False).returncode
        show()
        for line in holdings(receiver):
            say(line)
    return status if status >= 0 else 1  # a killed night is a failed one


def new_secret() -> str:
    """A Standard Webhooks secret for one run."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def holdings(receiver: Receiver) -> list[str]:
    """What the channel holds now, counts only."""
    held = sorted(receiver.members().items())
    if not held:
        return ["the channel holds nobody"]
    return [f"the channel {to} holds {len(people):,} for audience {audience}" for (audience, to), people in held]


def _world(folder: Path, scale: Scale, port: int, say: Callable[[str], None], sandbox_port: int | None = None) -> Scale:
    """The scale of the demo that is there; a new one is made where there is none."""
    present = scale_of(folder)
    if present is None:
        say(f"making a world of {scale.people:,} people and {scale.years} years in {folder}")
        make_demo(folder, scale, port, sandbox_port)
        return scale
    if present != scale:
        say(f"{folder} already holds a world of {present.people:,} people (seed {present.seed}); using that one")
    return present


@contextmanager
def channel(folder: Path, secret: str) -> Iterator[Receiver]:
    """The receiver at the port perennial.yml names; if that is taken, at a free one, which is then written there."""
    with ExitStack() as stack:
        port = _configured_port(folder)
        try:
            receiver = stack.enter_context(start_receiver(port, secret, folder / "received"))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            receiver = stack.enter_context(start_receiver(0, secret, folder / "received"))
            _name_port(folder, port, receiver.port)
        yield receiver


def _configured_port(folder: Path) -> int:
    mailer = load_settings(folder / CONFIG).destinations.get(MAILER)
    if not isinstance(mailer, WebhookDestination):
        return 0
    return urlsplit(mailer.url).port or 0


def _name_port(folder: Path, old: int, new: int) -> None:
    path = folder / CONFIG
    write_atomically(path, path.read_text(encoding="utf-8").replace(receiver_url(old), receiver_url(new)))
