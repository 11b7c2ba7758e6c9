"""Reading perennial.yml: what is taken, and that all mistakes are named at once with line, key and remedy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from perennial.config.problems import ConfigError
from perennial.config.settings import FilesSource, Settings, SqlSource, WebhookDestination, load_settings
from perennial.config.vendors.registry import VENDORS

ROOT = Path(__file__).resolve().parents[3]
BUSINESS = "business: {time_zone: Europe/London, currency: GBP}\n"


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "perennial.yml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    prefix = f"{tmp_path / 'perennial.yml'}"
    assert all(each.startswith(prefix) for each in caught.value.problems)
    return [each.removeprefix(prefix).lstrip(":") for each in caught.value.problems]


def test_the_example_of_the_contract_is_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        BUSINESS
        + """
sources:
  shop_export: {kind: files, path: exports/, time_zone: Europe/London, brand: acme}
  crm: {kind: sql, url_env: CRM_URL, stale_after: 36h, tables: {crm_contacts: contacts, crm_deals: "select 1"}}
destinations:
  mailer:      {kind: webhook, url: "https://mailer.example.com/in", secret_env: MAILER_SECRET, audiences: [win_back]}
  print_house: {kind: files, path: outbox/, audiences: all}
guards: {max_shrink: 0.3, max_growth: 3.0, max_turnover: 0.5}
alerts: [{kind: webhook, url_env: ALERT_URL}, {kind: smtp, host: mail, from: a@example.com, to: [b@example.com]}]
""",
    )
    shop, crm = settings.sources["shop_export"], settings.sources["crm"]
    assert isinstance(shop, FilesSource) and shop.path == tmp_path / "exports"
    assert isinstance(crm, SqlSource) and crm.stale_after == timedelta(hours=36)
    assert (shop.stale_after, crm.time_zone, crm.brand) == (None, "UTC", None)
    mailer = settings.destinations["mailer"]
    assert isinstance(mailer, WebhookDestination)
    assert (mailer.audiences, mailer.batch_size, mailer.allow_private_address) == (("win_back",), 500, False)
    assert settings.destinations["print_house"].audiences == "all"
    assert (settings.engine.memory_limit, settings.engine.threads) == ("2GB", 2)
    assert (settings.retention.snapshots, settings.schedule.cron, settings.ledger.url_env) == (3, "0 3 * * *", None)


def test_the_template_in_the_repository_is_read() -> None:
    settings = load_settings(ROOT / "perennial.yml")
    assert list(settings.sources) == ["shop_export"] and list(settings.destinations) == ["print_house"]


def test_every_commented_example_in_the_template_is_true(tmp_path: Path) -> None:
    """Taking the comment signs away leaves a file that is read."""
    text = (ROOT / "perennial.yml").read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        bare = line.lstrip()
        is_example = bare.startswith("# ") and (":" in bare.split("  #")[0] or bare.startswith("#   - "))
        prose = bare.startswith("# ") and bare[2:3].isupper()
        if is_example and not prose and not bare.startswith(("# `", "# end ", "# world")):
            lines.append(line.replace("# ", "", 1))
        elif not bare.startswith("#") and not line.startswith("alerts: []"):
            lines.append(line)
    settings = load(tmp_path, "\n".join(lines))
    assert set(settings.sources) == {"shop_export", "crm"} and set(settings.destinations) == {"print_house", "mailer"}
    assert len(settings.alerts) == 3 and settings.ledger.url_env == "LEDGER_URL"
    assert settings.sources["shop_export"].country == "GB"


def test_settings_do_not_change_once_they_are_read(tmp_path: Path) -> None:
    settings = load(tmp_path, BUSINESS)
    with pytest.raises(ValidationError):
        settings.business.currency = "EUR"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BUSINESS + "sourcess: {}", "2: sourcess: unknown key; did you mean `sources`?"),
        (
            BUSINESS + "sources:\n  crm: {kind: sql, url_evn: X, url_env: X, tables: {crm_deals: d}}",
            "3: sources.crm.url_evn: unknown key; did you mean `url_env`?",
        ),
        (
            BUSINESS + "sources: {a: {kind: shoppify}}",
            "2: sources.a: kind 'shoppify' is unknown; known kinds: 'files', 'sql', " + ", ".join(map(repr, VENDORS)),
        ),
        (
            BUSINESS + "destinations: {a: {kind: webhook, url: 'https://x:99999', secret_env: S}}",
            "2: destinations.a.url: is not a web address; write one that begins with https://",
        ),
        (
            BUSINESS + "schedule: {cron: '99 99 * * *'}",
            "2: schedule.cron: '99 99 * * *' is not a cron line; its minute is not usable; write *, numbers",
        ),
        (BUSINESS + "schedule: {cron: '0 3 30 2 *'}", "2: schedule.cron: '0 3 30 2 *' is not a cron line; no month"),
        (BUSINESS + "sources: {a: {path: x}}", "2: sources.a: `kind` is missing; add it"),
        (BUSINESS + "sources: {a: {kind: files}}", "2: sources.a.path: is missing; add it"),
        (BUSINESS + "sources: {a: 3}", "2: sources.a: is not a mapping; write `key: value` lines, indented, below it"),
        (
            BUSINESS + "sources: {My-Shop: {kind: files, path: x}}",
            "2: sources.My-Shop: 'My-Shop' is not a usable name; use lower-case letters, digits and _ only, at most 64",
        ),
        (
            "business: {time_zone: Europe/Lodnon, currency: GBP}",
            "1: business.time_zone: 'Europe/Lodnon' is not a time zone; did you mean Europe/London?",
        ),
        (
            "business: {time_zone: UTC, currency: gbp}",
            "1: business.currency: 'gbp' is not an ISO 4217 currency; did you mean GBP?",
        ),
        ("sources: {}", " business: is missing; add it"),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, stale_after: 36}}",
            "2: sources.a.stale_after: 36 is not a duration; write a number and a unit of s, m, h, d or w, such as 36h",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, country: Atlantis}}",
            "2: sources.a.country: 'Atlantis' is not a country; write its two-letter ISO code, such as GB",
        ),
        (
            BUSINESS + "sources: {a: {kind: sql, url_env: X, tables: {crm_contact: c}}}",
            "2: sources.a.tables.crm_contact: 'crm_contact' is not a table of the input contract;"
            " did you mean `crm_contacts`?",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, columns: {shop_orders: {Invoice: order_id}}}}",
            "2: sources.a.columns: shop_orders: write the contract's name first: `order_id: Invoice`",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, columns: {shop_orders: {order_di: Invoice}}}}",
            "2: sources.a.columns: shop_orders: 'order_di' is not a column of the contract; did you mean `order_id`?",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, status_map: {done: fulfiled}}}",
            "2: sources.a.status_map: 'fulfiled' is not an order status; did you mean `fulfilled`?",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, status_map: {Paid: pending}}}",
            "2: sources.a.status_map: 'paid' is a word of the contract and always means itself; remove it",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, treat_accepts_marketing_as: sms}}",
            "2: sources.a.treat_accepts_marketing_as: is not one of the words allowed here; write 'email'",
        ),
        (
            BUSINESS + "sources: {a: {kind: files, path: x, shares_ids_with: b}}",
            "2: sources.a.shares_ids_with: no source is called 'b'",
        ),
        (
            BUSINESS + "sources: {a: {kind: sql, tables: {crm_deals: d}}}",
            "2: sources.a: needs exactly one of `url_env` (the name of an environment variable) and `url`",
        ),
        (
            BUSINESS + "destinations: {a: {kind: webhook, url: 'ftp://x', secret_env: S}}",
            "2: destinations.a.url: is not a web address; write one that begins with https://",
        ),
        (
            BUSINESS + "destinations: {a: {kind: files, path: o, audiences: some}}",
            "2: destinations.a.audiences: write a list, such as [win_back], or the word `all`",
        ),
        (BUSINESS + "guards: {max_shrink: 30}", "2: guards.max_shrink: is not usable (input should be less than or"),
        (BUSINESS + "schedule: {cron: '0 3'}", "2: schedule.cron: '0 3' is not a cron line; write five fields"),
        (BUSINESS + "engine: {memory_limit: 2}", "2: engine.memory_limit: is not text; put it in quotes"),
        (BUSINESS + "engine: {memory_limit: lots}", "2: engine.memory_limit: 'lots' is not a memory size"),
        (BUSINESS + "sources: {}\nsources: {}", "3: sources: is written twice (line 2 too)"),
        (
            BUSINESS + "identity: {probabilistic: {threshold: 1}}",
            "2: identity.probabilistic.threshold: is not usable (input should be less than 1)",
        ),
        (
            BUSINESS + "identity: {probabilistic: yes please}",
            "2: identity.probabilistic: is not a mapping; write `key: value` lines",
        ),
        (BUSINESS + "guards:\n\tmax_shrink: 1", "3: column 1: is not valid YAML"),
        ("- a\n- b", " is empty or not a mapping"),
        ("", " is empty or not a mapping"),
        (BUSINESS + "x: !!python/object/apply:os.system ['true']", "2: column 4: is not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_its_key_and_a_remedy(tmp_path: Path, text: str, expected: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(expected), found[0]


@pytest.mark.parametrize(
    ("written", "threshold"),
    [("true", 0.9), ("{}", 0.9), ("{threshold: 0.99}", 0.99), ("false", None), ("null", None)],
)
def test_probabilistic_links_are_switched_by_a_word_or_by_their_threshold(
    tmp_path: Path, written: str, threshold: float | None
) -> None:
    found = load(tmp_path, BUSINESS + f"identity: {{probabilistic: {written}}}").identity.probabilistic
    assert (found.threshold if found else None) == threshold


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "business: {time_zone: Mars, currency: XXXX}\nsources: {a: {kind: files}, b: {kind: sql, tables: {x: y}}}\n"
        "guards: {max_shrink: 2}\nalerts: [{kind: webhook}]\n",
    )
    assert len(found) == 6


SECRET = "s3cr3t-canary"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            f"sources: {{a: {{kind: sql, url_env: 'postgresql://u:{SECRET}@h/d', tables: {{crm_deals: d}}}}}}",
            "sources.a.url_env",
        ),
        (
            f"sources: {{a: {{kind: sql, url: 'postgresql://u:{SECRET}@h/d', tables: {{crm_deals: d}}}}}}",
            "sources.a.url",
        ),
        (
            f"destinations: {{a: {{kind: webhook, url: 'https://x', secret_env: {SECRET}}}}}",
            "destinations.a.secret_env",
        ),
        (
            f"destinations: {{a: {{kind: webhook, url: 'https://x', secret_env: S, secret: {SECRET}}}}}",
            "destinations.a.secret",
        ),
        (f"destinations: {{a: {{kind: webhook, url: 'https://u:{SECRET}@x', secret_env: S}}}}", "destinations.a.url"),
        (f"alerts: [{{kind: webhook, url_env: A, url: 'https://x/{SECRET}'}}]", "alerts[0].url"),
        (f"alerts: [{{kind: smtp, host: h, from: a, to: b, password: {SECRET}}}]", "alerts[0].password"),
    ],
)
def test_a_secret_written_literally_is_refused_without_being_repeated(tmp_path: Path, text: str, key: str) -> None:
    found = problems(tmp_path, BUSINESS + text)
    assert len(found) == 1 and found[0].startswith(f"2: {key}:")
    assert "_env" in found[0] or "name of an environment variable" in found[0]
    assert SECRET not in found[0]


PASTED = f"postgresql://reader:{SECRET}@db.example.com/shop"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"sources: {{a: {{kind: '{PASTED}', url_env: X}}}}", "2: sources.a: kind (not repeated"),
        (f"sources: {{a: {{kind: {SECRET * 4}, url_env: X}}}}", "2: sources.a: kind (not repeated"),
        (f"sources: {{a: {{kind: files, path: x, stale_after: '{PASTED}'}}}}", "2: sources.a.stale_after: (not"),
        (f"sources: {{a: {{kind: files, path: x, country: '{PASTED}'}}}}", "2: sources.a.country: (not repeated"),
        (f"sources: {{a: {{kind: files, path: x, time_zone: '{PASTED}'}}}}", "2: sources.a.time_zone: (not repeated"),
        (f"sources: {{a: {{kind: files, path: x, status_map: {{a: '{PASTED}'}}}}}}", "2: sources.a.status_map: (not"),
        (f"sources: {{a: {{kind: files, path: x, shares_ids_with: '{PASTED}'}}}}", "2: sources.a.shares_ids_with: "),
        (f"destinations: {{a: {{kind: files, path: x, audiences: '{PASTED}'}}}}", "2: destinations.a.audiences: wr"),
        (f"destinations: {{a: {{kind: files, path: x, audiences: ['{PASTED}']}}}}", "2: destinations.a.audiences: (n"),
        (f"schedule: {{cron: '{PASTED}'}}", "2: schedule.cron: (not repeated"),
        (f"engine: {{memory_limit: '{PASTED}'}}", "2: engine.memory_limit: (not repeated"),
        (f"'{PASTED}': x", "2: (not repeated: it may hold a secret): unknown key"),
        (f"destinations: {{a: {{kind: webhook, secret_env: S, url: 'https://u:{SECRET}/@h'}}}}", "2: destinations.a.u"),
    ],
)  # fmt: skip
def test_an_address_pasted_into_a_wrong_key_is_not_repeated(tmp_path: Path, text: str, says: str) -> None:
    found = problems(tmp_path, BUSINESS + text)
    assert found[0].startswith(says), found[0]
    assert SECRET not in " ".join(found)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://db.example.com/shop?user=reader&password={SECRET}",
        f"postgresql://db.example.com/shop?PassWord={SECRET}",
        f"postgresql://db.example.com/shop?sslpassword={SECRET}",
        f"mssql+pyodbc:///?odbc_connect=SERVER%3Dx%3BPWD%3D{SECRET}",
        f"postgresql://reader:a/{SECRET}@db.example.com/shop",
        f"postgresql://reader:a?{SECRET}@db.example.com/shop",
    ],
)
def test_a_password_anywhere_in_the_url_of_a_database_is_refused(tmp_path: Path, address: str) -> None:
    text = f"sources: {{a: {{kind: sql, url: '{address}', tables: {{crm_deals: d}}}}}}"
    (found,) = problems(tmp_path, BUSINESS + text)
    assert found.startswith("2: sources.a.url: holds a password; put the whole URL into an environment variable")
    assert SECRET not in found


def test_a_url_without_a_password_may_stand_in_the_file(tmp_path: Path) -> None:
    for address in (
        "postgresql://reader@db.example.com:5432/shop?sslmode=require",
        "postgresql:///shop",
        "sqlite:////a@b",
    ):
        load(tmp_path, BUSINESS + f"sources: {{a: {{kind: sql, url: '{address}', tables: {{crm_deals: d}}}}}}")


def test_a_missing_file_and_a_folder_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; write one"):
        load_settings(tmp_path / "none.yml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)


def test_a_file_of_anchors_that_feed_on_themselves_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in problems(tmp_path, "business: &a\n  time_zone: *a\n")[0]


def test_relative_sqlite_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        BUSINESS
        + "sources:\n  a: {kind: sql, url: 'sqlite:///shop.db', tables: {crm_deals: d}}\n"
        + "  b: {kind: sql, url: 'sqlite:////abs/shop.db', tables: {crm_deals: d}}\n",
    )
    urls = [source.url for source in settings.sources.values() if isinstance(source, SqlSource)]
    assert urls == [f"sqlite:///{tmp_path}/shop.db", "sqlite:////abs/shop.db"]
