"""perennial.yml as frozen models, and reading it.

What lives here: every key a person may write, its default and its check, and load_settings(). What does not: the
values of secrets (only the names of environment variables), and opening anything the file names.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from perennial.config.addresses import NO_WEB_ADDRESS, database_has_password, has_password, is_web_address
from perennial.config.contract import TABLES
from perennial.config.parts import Part, Source
from perennial.config.problems import ConfigError, closest, quoted, show
from perennial.config.reading import Document, explain, read_yaml
from perennial.config.values import Cron, Currency, Folder, MemorySize, Name, RuleVersion, TimeZone, Variable
from perennial.config.vendors.registry import VENDORS

_AUDIENCE = re.compile(r"[a-z0-9_]{1,64}")


def _known_table(name: str) -> str:
    if name not in TABLES:
        guess = closest(name, TABLES)
        remedy = f"did you mean `{guess}`?" if guess else f"known tables: {', '.join(TABLES)}"
        raise ValueError(f"{quoted(name)} is not a table of the input contract; {remedy}")
    return name


TableName = Annotated[str, AfterValidator(_known_table)]


class Business(Part):
    time_zone: TimeZone
    currency: Currency


class FilesSource(Source):
    kind: Literal["files"]
    path: Folder
    columns: dict[TableName, dict[str, str]] = {}  # contract column → what the export calls it

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for table, renamed in value.items():
            names = TABLES[table].column_names
            for column, export in renamed.items():
                if column in names:
                    continue
                if export in names:
                    raise ValueError(f"{table}: write the contract's name first: `{export}: {show((column,))}`")
                guess = closest(column, names)
                remedy = f"did you mean `{guess}`?" if guess else f"its columns: {', '.join(names)}"
                raise ValueError(f"{table}: {quoted(column)} is not a column of the contract; {remedy}")
        return value


class SqlSource(Source):
    kind: Literal["sql"]
    url: str | None = None
    url_env: Variable | None = None
    tables: dict[TableName, str] = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        if value is not None and database_has_password(value):
            raise ValueError(
                "holds a password; put the whole URL into an environment variable and name it in `url_env`"
            )
        return value

    @model_validator(mode="after")
    def _one_url(self) -> SqlSource:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("needs exactly one of `url_env` (the name of an environment variable) and `url`")
        return self


def _audiences(value: Any) -> Any:
    if isinstance(value, str) and value != "all":
        raise ValueError("write a list, such as [win_back], or the word `all`")
    for name in value if isinstance(value, list | tuple) else ():
        if not isinstance(name, str) or not _AUDIENCE.fullmatch(name):
            raise ValueError(
                f"{quoted(name)} is not the name of an audience; write the name of a file in models/audiences/"
            )
    return value


Audiences = Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(_audiences)]  # the word `all`, or names


class WebhookDestination(Part):
    kind: Literal["webhook"]
    url: str
    secret_env: Variable
    audiences: Audiences = ()
    batch_size: int = Field(default=500, ge=1, le=10_000)
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    allow_private_address: bool = False  # loopback and private networks are refused unless this says otherwise

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if has_password(value):
            raise ValueError("holds a password; requests are signed with `secret_env`, remove it from the address")
        if not is_web_address(value):
            raise ValueError(NO_WEB_ADDRESS)
        return value


class FilesDestination(Part):
    kind: Literal["files"]
    path: Folder
    audiences: Audiences = ()
    format: Literal["csv"] = "csv"


class Guards(Part):
    max_shrink: float = Field(default=0.3, ge=0, le=1)
    max_growth: float = Field(default=3.0, ge=1)
    max_turnover: float = Field(default=0.5, ge=0, le=1)


class WebhookAlert(Part):
    kind: Literal["webhook"]
    url_env: Variable


class SmtpAlert(Part):
    kind: Literal["smtp"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    sender: str = Field(alias="from")
    to: str | tuple[str, ...]
    user_env: Variable | None = None
    password_env: Variable | None = None


class CommandAlert(Part):
    kind: Literal["command"]
    command: tuple[str, ...] = Field(min_length=1)


class Engine(Part):
    memory_limit: MemorySize = "2GB"
    threads: int = Field(default=2, ge=1, le=256)


class Retention(Part):
    snapshots: int = Field(default=3, ge=1)


class Schedule(Part):
    cron: Cron = "0 3 * * *"


class LedgerSettings(Part):
    url_env: Variable | None = None  # none: SQLite under the home


class Probabilistic(Part):
    threshold: float = Field(default=0.9, ge=0.5, lt=1)  # how the default was found: docs/identity.md


def _switch(value: Any) -> Any:
    """`true` switches on with the defaults, `false` off."""
    return ({} if value else None) if isinstance(value, bool) else value


class IdentitySettings(Part):
    pins: Folder = Field(default="identity_pins.csv", validate_default=True)
    probabilistic: Annotated[Probabilistic | None, BeforeValidator(_switch)] = None  # none: off


class LifecycleSettings(Part):
    keep_versions: dict[str, tuple[RuleVersion, ...]] = {}  # stage model → published versions kept beside the current


# every kind of source: the two that take the contract's tables, and every vendor's
SOURCE_KINDS: dict[str, type[Source]] = {
    "files": FilesSource, "sql": SqlSource, **{kind: vendor.settings for kind, vendor in VENDORS.items()},
}  # fmt: skip
if TYPE_CHECKING:
    AnySource = Source
else:
    AnySource = Annotated[Union[tuple(SOURCE_KINDS.values())], Field(discriminator="kind")]  # noqa: UP007
AnyDestination = Annotated[WebhookDestination | FilesDestination, Field(discriminator="kind")]
AnyAlert = Annotated[WebhookAlert | SmtpAlert | CommandAlert, Field(discriminator="kind")]


class Settings(Part):
    business: Business
    sources: dict[Name, AnySource] = {}
    destinations: dict[Name, AnyDestination] = {}
    guards: Guards = Guards()
    alerts: tuple[AnyAlert, ...] = ()
    engine: Engine = Engine()
    retention: Retention = Retention()
    schedule: Schedule = Schedule()
    ledger: LedgerSettings = LedgerSettings()
    identity: IdentitySettings = Field(default={}, validate_default=True)
    lifecycle: LifecycleSettings = LifecycleSettings()


# Which model reads a mapping, for naming the closest known key: by section, and by kind in the sections with kinds.
SECTIONS: dict[str, type[Part]] = {
    "business": Business, "guards": Guards, "engine": Engine, "retention": Retention, "schedule": Schedule,
    "ledger": LedgerSettings, "identity": IdentitySettings, "lifecycle": LifecycleSettings,
}  # fmt: skip
KINDS: dict[str, dict[str, type[Part]]] = {
    "sources": {**SOURCE_KINDS},
    "destinations": {"webhook": WebhookDestination, "files": FilesDestination},
    "alerts": {"webhook": WebhookAlert, "smtp": SmtpAlert, "command": CommandAlert},
}


def load_settings(path: Path) -> Settings:
    """Read and check a configuration file. Every problem is reported at once, in one ConfigError."""
    document = read_yaml(path)
    if document.problems:
        raise ConfigError(document.problems)
    try:
        settings = Settings.model_validate(document.content, context={"folder": path.absolute().parent})
    except ValidationError as error:
        raise ConfigError(explain(document, error, _known_keys)) from error
    problems = _cross_checks(document, settings)
    if problems:
        raise ConfigError(problems)
    return _with_absolute_sqlite(settings, path.absolute().parent)


def _known_keys(section: str | None, kind: Any) -> list[str]:
    """The keys a mapping may have: of the whole file, of a section, or of one entry of a section with kinds."""
    if section is None:
        model: type[Part] | None = Settings
    else:
        model = SECTIONS.get(section) or KINDS.get(section, {}).get(kind)
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _cross_checks(document: Document, settings: Settings) -> list[str]:
    problems = []
    for name, source in settings.sources.items():
        other = source.shares_ids_with
        if other is not None and (other not in settings.sources or other == name):
            remedy = "name another source of this file" if other == name else f"no source is called {quoted(other)}"
            problems.append(document.problem(("sources", name, "shares_ids_with"), remedy))
    return problems


def _with_absolute_sqlite(settings: Settings, folder: Path) -> Settings:
    """A relative SQLite file is meant relative to the configuration file, like every other path in it."""
    sources: dict[str, Source] = {}
    for name, source in settings.sources.items():
        if isinstance(source, SqlSource) and source.url is not None:
            source = source.model_copy(update={"url": _absolute_sqlite(source.url, folder)})
        sources[name] = source
    return settings.model_copy(update={"sources": sources})


def _absolute_sqlite(url: str, folder: Path) -> str:
    scheme, separator, place = url.partition(":///")
    if not separator or not scheme.startswith("sqlite") or not place or place.startswith(("/", ":")):
        return url
    return f"{scheme}:///{folder / place}"


def stale_after_seconds(source: Source) -> int | None:
    """The staleness bound in whole seconds, as it is landed in source_settings."""
    return None if source.stale_after is None else int(source.stale_after / timedelta(seconds=1))
