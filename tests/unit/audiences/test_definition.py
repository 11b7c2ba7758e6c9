"""Reading audience definitions out of a manifest, and pairing them with destinations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from perennial.audiences.definition import (
    AudienceDefinition,
    AudienceError,
    ConsentRule,
    Pair,
    SizeBand,
    from_manifest,
    pairs,
)

BLOCK = {
    "destinations": ["mailer", "print_house"],
    "consent": {"channel": "email", "purpose": "marketing"},
    "address": "email",
    "fields": ["first_name", "country"],
    "owner": "marketing-ops@example.com",
    "size": {"min": 1, "max": 500},
}


def manifest(block: Any, *, under_config: bool = True) -> dict[str, Any]:
    meta = {"audience": block}
    node: dict[str, Any] = {
        "resource_type": "model",
        "name": "win_back",
        "patch_path": "x://models/audiences/win_back.yml",
    }
    node |= {"config": {"meta": meta}} if under_config else {"config": {}, "meta": meta}
    others = {
        "model.p.plain": {"resource_type": "model", "name": "plain", "config": {"meta": {}}},
        "test.p.t": {"resource_type": "test", "name": "t", "config": {"meta": {"audience": {}}}},
    }
    return {"nodes": {"model.p.win_back": node} | others}


@pytest.mark.parametrize("under_config", [True, False])
def test_a_definition_is_read_from_config_meta_and_from_meta_beside_it(under_config: bool) -> None:
    assert from_manifest(manifest(BLOCK, under_config=under_config)) == {
        "win_back": AudienceDefinition(
            name="win_back",
            consent=ConsentRule("email", "marketing"),
            address="email",
            owner="marketing-ops@example.com",
            fields=("first_name", "country"),
            destinations=("mailer", "print_house"),
            size=SizeBand(1, 500),
        )
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"consent": None}, ["consent", "is missing", "nobody may be sent"]),
        ({"consent": {"channel": "email"}}, ["consent.purpose", "marketing, transactional, ads"]),
        ({"consent": {"channel": "e-mail", "purpose": "marketing"}}, ["consent.channel", "'e-mail'", "email"]),
        ({"consent": {"channel": "email", "purpose": "marketing", "brnd": "x"}}, ["consent.brnd", "unknown key"]),
        ({"owner": None}, ["owner", "is missing", "marketing-ops@example.com"]),
        ({"owner": "  "}, ["owner", "is missing"]),
        ({"address": None}, ["address", "is missing", "customer.customers"]),
        ({"address": 'email" from secrets --'}, ["address", "is missing"]),
        ({"fields": ["first_name", "x; drop table y"]}, ["fields", "is not a list of columns"]),
        ({"fields": "first_name"}, ["fields", "is not a list"]),
        ({"feilds": ["first_name"]}, ["feilds", "unknown key", "did you mean fields?"]),
        ({"size": {"min": 9, "max": 3}}, ["size", "max is below min"]),
        ({"size": {"min": -1}}, ["size", "whole numbers"]),
    ],
)
def test_a_mistake_is_reported_with_file_key_and_remedy(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(AudienceError) as caught:
        from_manifest(manifest(BLOCK | change))
    assert "models/audiences/win_back.yml: config.meta.audience" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(AudienceError) as caught:
        from_manifest(manifest({"fields": "x", "destinations": [3]}))
    assert len(caught.value.problems) == 5


def test_an_audience_is_paired_where_a_destination_names_it_or_takes_all() -> None:
    definitions = from_manifest(manifest(BLOCK))
    destinations = {
        "mailer": SimpleNamespace(audiences=("win_back",)),
        "archive": SimpleNamespace(audiences="all"),
        "silent": SimpleNamespace(audiences=()),
        "typo": SimpleNamespace(audiences=("winback",)),
    }
    chosen, notes = pairs(definitions, destinations)
    assert chosen == [Pair("win_back", "mailer"), Pair("win_back", "archive")]
    assert notes == [
        "audience win_back is meant for print_house, which is not configured; skipped",
        "destination typo asks for audience winback, which no model defines; did you mean win_back?",
    ]


def test_an_audience_meant_for_nobody_goes_only_where_a_destination_names_it() -> None:
    definitions = from_manifest(manifest(BLOCK | {"destinations": []}))
    destinations = {"mailer": SimpleNamespace(audiences=("win_back",)), "archive": SimpleNamespace(audiences="all")}
    assert pairs(definitions, destinations) == ([Pair("win_back", "mailer")], [])
