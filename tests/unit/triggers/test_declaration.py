"""What vars.triggers may say: a wrong word is refused while dbt parses, and the refusal says what to do.

What lives here: the macros that read the declaration, rendered by dbt's own Jinja. What does not: what triggers do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from dbt_common.clients.jinja import CallableMacroGenerator, MacroReturn, extract_toplevel_blocks

from tests.conftest import ROOT

VARS = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
SOUND = {"event": "order", "re_entry": "always", "max_lateness_hours": 48, "channels": ["email"]}
BOUND = {"bounds": {"orders_count": {"min": 2}}, "re_entry": "once", "max_lateness_hours": 48, "channels": ["email"]}


class Refused(Exception):
    """What dbt makes a compilation error of."""


@dataclass(frozen=True)
class Macro:
    name: str
    macro_sql: str


def refuse(message: str) -> None:
    raise Refused(message)


def give_back(value: Any) -> None:
    raise MacroReturn(value)


def read(declared: Mapping[str, Any]) -> dict[str, Any]:
    text = (ROOT / "dbt_project" / "macros" / "triggers.sql").read_text(encoding="utf-8")
    blocks = extract_toplevel_blocks(text, allowed_blocks={"macro"}, collect_raw_data=False)
    context: dict[str, Any] = {
        "var": lambda name: declared if name == "triggers" else VARS[name],
        "exceptions": SimpleNamespace(raise_compiler_error=refuse), "return": give_back,
        "modules": SimpleNamespace(re=re), "stage_models": lambda: VARS["stage_models"],
    }  # fmt: skip
    for block in blocks:
        context[block.block_name] = CallableMacroGenerator(Macro(block.block_name, block.full_block), context)
    return context["triggers"]()


def test_every_trigger_that_the_project_declares_is_sound() -> None:
    assert set(read(VARS["triggers"])) == set(VARS["triggers"])


def test_what_may_be_left_out_has_its_usual_meaning() -> None:
    (trigger,) = read({"thanks": SOUND}).values()
    assert (trigger["delay_hours"], trigger["cool_down_days"], trigger["called_off_by"]) == (0, -1, [])


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        (SOUND | {"delay": 4}, "delay is not known. Known: event, bounds, delay_hours"),
        (SOUND | {"bounds": BOUND["bounds"]}, "write either event or bounds"),
        (SOUND | {"event": "orders"}, "event: orders is not known. Known: form_submit"),
        (SOUND | {"called_off_by": ["payment"]}, "called_off_by: payment is not known"),
        (SOUND | {"re_entry": "never"}, "re_entry must be always or once"),
        (SOUND | {"max_lateness_hours": None}, "max_lateness_hours is missing"),
        (SOUND | {"channels": []}, "channels is missing"),
        (SOUND | {"serves": {"five_stage": ["loyal"]}}, "serves five_stage.loyal, which vars.stage_models does not"),
        (BOUND | {"bounds": {"orders_count_365": {"min": 2}}}, "bounds: orders_count_365 is not known"),
        (BOUND | {"bounds": {"orders_count": {"max": 2}}}, "bounds: orders_count needs a min of 1 or more"),
        (BOUND | {"bounds": {"revenue_amount": {"min": 2, "max": 9}}}, "bounds: revenue_amount takes no max"),
        (BOUND | {"called_off_by": ["order"]}, "called_off_by goes with event"),
    ],
)
def test_a_wrong_word_is_refused_by_its_place_and_with_what_is_right(trigger: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refusal:
        read({"thanks": trigger})
    assert "thanks" in str(refusal.value)
    assert said in str(refusal.value)
