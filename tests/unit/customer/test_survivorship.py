"""What vars.survivorship may say: a wrong word is refused while dbt parses, and the refusal says what to do.

What lives here: the macro that reads a rule, rendered by dbt's own Jinja. What does not: which value wins (unit tests
of models/customer/attributes and addresses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from dbt_common.clients.jinja import CallableMacroGenerator, MacroReturn, extract_toplevel_blocks

from tests.conftest import ROOT

DECLARED = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["survivorship"]


class Refused(Exception):
    """What dbt makes a compilation error of."""


@dataclass(frozen=True)
class Macro:
    name: str
    macro_sql: str


class Exceptions:
    @staticmethod
    def raise_compiler_error(message: str) -> None:
        raise Refused(message)


def give_back(value: Any) -> None:
    raise MacroReturn(value)


def rule(column: str, declared: Any) -> dict[str, Any]:
    text = (ROOT / "dbt_project" / "macros" / "survivorship.sql").read_text(encoding="utf-8")
    blocks = extract_toplevel_blocks(text, allowed_blocks={"macro"}, collect_raw_data=False)
    (block,) = [each for each in blocks if each.block_name == "survivorship_rule"]
    context = {"var": lambda _name: declared, "exceptions": Exceptions, "return": give_back}
    found = CallableMacroGenerator(Macro(block.block_name, block.full_block), context)(column)
    assert isinstance(found, dict)
    return found


def test_every_rule_that_the_project_declares_is_sound() -> None:
    for column in DECLARED:
        assert rule(column, DECLARED)["order"] in ("newest", "most_frequent")


def test_a_rule_without_sources_prefers_none() -> None:
    assert rule("email", {"email": {"order": "newest"}}) == {"order": "newest", "sources": []}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"email": {"order": "latest"}}, "survivorship.email: order must be newest or most_frequent, not latest"),
        ({"email": {"sources": ["shop"]}}, "survivorship.email: order must be newest or most_frequent"),
        ({"email": "newest"}, "survivorship.email: order must be newest or most_frequent"),
        ({"email": {"order": "newest", "source": ["shop"]}}, "survivorship.email: source is not known"),
        ({"email": {"order": "newest", "sources": "shop"}}, "survivorship.email.sources: must be a list"),
        ({"email": {"order": "newest"}, "e-mail": {"order": "newest"}}, "e-mail is no column that is chosen"),
        ({"phone": {"order": "newest"}}, "no rule for email; add email: {order: newest, sources: []}"),
    ],
)
def test_a_wrong_word_is_refused_by_its_place_and_with_what_is_right(declared: Any, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        rule("email", declared)
    assert "dbt_project.yml, vars.survivorship" in str(refusal.value)
    assert said in str(refusal.value)
