"""Nobody's address leaves by an error.

"Secrets and personal data never appear in logs, exception text … or the journal of failures: 10,000 canary addresses
forced through every error path, 0 found."
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from perennial.landing.load import Load
from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from perennial.sources.api import http
from perennial.sources.api.reader import ApiReader
from perennial.sources.base import Window
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import at, checkout, customer, fill, order, product, store

CANARY = re.compile(r"leak\.test|447946\d{6}")
SECRET = "sandbox-shopify-token"
PEOPLE = 1_000
PER_ANSWER = 100
ATTEMPTS = 5  # patience is short here, and on a busy machine it may end at a call before the one that is meant
_numbers = iter(range(1, 1_000_000))
forced: set[int] = set()


def email() -> str:
    number = next(_numbers)
    forced.add(number)
    return f"canary-{number}@leak.test"


def phone() -> str:
    return f"+447946{next(_numbers):06d}"


def many() -> str:
    """Addresses and telephone numbers, as a vendor may repeat them in what it says."""
    return " ".join(f"{email()} {phone()}" for _ in range(PER_ANSWER))


class Hostile(ShopifyApi):
    """A store whose people are canaries, and whose answers, while it plays, repeat them wherever a word may stand."""

    name = "shopify"
    sign = ""
    play: Callable[[Answer], Answer] | None = None
    left = 0

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        text = f"{asked.path}\n{asked.body.decode('utf-8', 'replace')}"
        if self.play is None or self.sign not in text or not self.left:
            return answer
        self.left -= 1
        return self.play(answer)


def peopled() -> Hostile:
    api = Hostile(limits=100_000)
    for number in range(1, PEOPLE + 1):
        address = {"emailAddress": email(), "marketingState": "SUBSCRIBED"}
        telephone = {"phoneNumber": phone(), "marketingState": "SUBSCRIBED"}
        people = customer(number, firstName=email(), defaultEmailAddress=address, defaultPhoneNumber=telephone)
        api.seed("customers", [people])
        api.seed("orders", [order(number, lines=1, email=email(), phone=phone())])
    attributes = [{"key": "email", "value": email()}]
    api.seed("abandonedCheckouts", [checkout(number, customAttributes=attributes) for number in range(1, 50)])
    api.seed("products", [product(1, title=email())])
    return api


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every exception that leaves the reading of a source, as a traceback shows it."""
    found: list[str] = []
    deliver = ApiReader.deliver

    def listened(self: ApiReader, load: Load, env: Mapping[str, str]) -> None:
        try:
            deliver(self, load, env)
        except BaseException as error:
            found.extend(traceback.format_exception(error))
            raise

    monkeypatch.setattr(ApiReader, "deliver", listened)
    return found


@contextmanager
def watched(
    world: VendorWorld, told: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """What is said meanwhile holds no canary and no secret."""
    caplog.set_level("DEBUG")
    yield
    captured = capfd.readouterr()
    said = {
        "reports": str(world.reports),
        "exceptions": "\n".join(told),
        "logs": "\n".join(f"{each.getMessage()} {vars(each)}" for each in caplog.records),
        "output": captured.out + captured.err,
    }
    for path in world.home.landing.glob("*/_loads/*.json"):
        said[f"manifest {path.name}"] = path.read_text()
    for path in world.home.incoming.rglob("*.json"):
        said[f"progress {path.name}"] = path.read_text()
    for place, text in said.items():
        leak = CANARY.search(text)
        assert leak is None, f"{place}: …{text[max(leak.start() - 200, 0) : leak.end() + 100]}…"
        assert SECRET not in text, place


def content(answer: Answer) -> Any:
    return json.loads(answer.body())


def errors(**extensions: Any) -> Callable[[Answer], Answer]:
    return lambda _: Answer(200, {"errors": [{"message": many(), "path": [email()], "extensions": extensions}]})


def status(number: int, kind: str = "json") -> Callable[[Answer], Answer]:
    def play(_: Answer) -> Answer:
        headers = {"x-note": email(), "location": f"http://leak.test/?email={email()}", "set-cookie": f"a={email()}"}
        if kind == "json":
            return Answer(number, {"errors": many(), "code": email(), "message": many()}, headers)
        return Answer(number, f"<html>{many()}</html>".encode(), {**headers, "retry-after": email()}, "text/html")

    return play


def node(**values: Any) -> Callable[[Answer], Answer]:
    """Every node of a page with values of a wrong kind."""

    def play(answer: Answer) -> Answer:
        given = content(answer)
        for each in given["data"].values():
            for edge in each["edges"]:
                edge["node"].update({key: value() if callable(value) else value for key, value in values.items()})
        return Answer(200, given)

    return play


def data(change: Callable[[Any], Any]) -> Callable[[Answer], Answer]:
    def play(answer: Answer) -> Answer:
        given = content(answer)
        change(given["data"])
        return Answer(200, given)

    return play


def operation(**values: Any) -> Callable[[Answer], Answer]:
    return data(lambda given: given["node"].update({key: value() for key, value in values.items()}))


def file_of(text: Callable[[], str]) -> Callable[[Answer], Answer]:
    return lambda answer: Answer(200, text().encode() + answer.body(), content_type="application/jsonl")


def refuse(given: Any) -> None:
    told = [{"field": [email()], "message": many()}]
    given["bulkOperationRunQuery"] = {"bulkOperation": None, "userErrors": told}


COUNT, START, POLL, FILE = "customersCount", "bulkOperationRunQuery", "... on BulkOperation", "/bulk/"
PAGE = "abandonedCheckouts(first"
UNKNOWN = "Field '{}' doesn't exist on type '{}'"
PATHS: dict[str, tuple[str, Callable[[Answer], Answer]]] = {
    "errors without a code": (COUNT, errors()),
    "errors whose code is an address": (COUNT, lambda _: errors(code=email())(_)),
    "errors whose code is a telephone number": (COUNT, lambda _: errors(code=phone().lstrip("+"))(_)),
    "errors of the store's own": (COUNT, errors(code="INTERNAL_SERVER_ERROR")),
    "a query that is refused": (COUNT, errors(code="BAD_REQUEST")),
    "a scope that lacks": (COUNT, errors(code="ACCESS_DENIED", requiredAccess="canary-0@leak.test")),
    "a query that is too dear": (PAGE, errors(code="MAX_COST_EXCEEDED")),
    "throttled for a while nobody can read": (COUNT, errors(code="THROTTLED", cost="canary-0@leak.test")),
    "an unknown field with an address for a name": (COUNT, lambda _: Answer(200, {"errors": [
        {"message": UNKNOWN.format(email(), email()), "extensions": {"code": "undefinedField"}}]})),
    "an unknown field with a number for a name": (COUNT, lambda _: Answer(200, {"errors": [
        {"message": UNKNOWN.format(phone()[1:], phone()[1:]), "extensions": {"code": "undefinedField"}}]})),
    "errors that are a text": (COUNT, lambda _: Answer(200, {"errors": many()})),
    "errors that are numbers": (COUNT, lambda _: Answer(200, {"errors": [many(), 1, None]})),
    "400": (COUNT, status(400)), "401": (COUNT, status(401)), "403": (COUNT, status(403)), "404": (COUNT, status(404)),
    "302": (COUNT, status(302)), "429": (COUNT, status(429, "html")), "503": (COUNT, status(503, "html")),
    "a log-in page": (COUNT, status(200, "html")),
    "half a body": (COUNT, lambda _: Answer(200, f'{{"data": "{many()}'.encode())),
    "a list for an object": (COUNT, lambda _: Answer(200, [many()])),
    "a text for an object": (COUNT, lambda _: Answer(200, many())),
    "no data": (COUNT, lambda _: Answer(200, {"data": None, "note": many()})),
    "a count that is an address": (COUNT, data(lambda given: given["customersCount"].update(count=email()))),
    "a precision that is an address": (COUNT, data(lambda given: given["customersCount"].update(precision=email()))),
    "a bulk query that is refused": (START, data(refuse)),
    "an operation whose id is an address": (START, data(
        lambda given: given["bulkOperationRunQuery"]["bulkOperation"].update(id=f"gid://shopify/BulkOperation/{phone()}"))),
    "an operation that failed": (POLL, operation(status=lambda: "FAILED", errorCode=email, partialDataUrl=email)),
    "an operation in a state nobody knows": (POLL, operation(status=email)),
    "an operation whose count is an address": (POLL, operation(objectCount=email)),
    "an operation whose file is nowhere": (POLL, operation(url=lambda: f"http://127.0.0.1:1/{email()}?q={email()}")),
    "an operation whose file has no address": (POLL, operation(url=lambda: f"not {email()}")),
    "a file that is none": (FILE, lambda _: Answer(404, many().encode())),
    "a file with a line that is none": (FILE, file_of(lambda: f"{many()}\n")),
    "a file with a line too many": (FILE, file_of(lambda: json.dumps({"id": many(), "updatedAt": many()}) + "\n")),
    "a page whose ids are addresses": (PAGE, node(id=email)),
    "a page whose times are addresses": (PAGE, node(updatedAt=email, createdAt=many)),
    "a page whose amounts are addresses": (PAGE, node(totalPriceSet=lambda: {"shopMoney": {
        "amount": email(), "currencyCode": email()}})),
    "a page with objects for texts": (PAGE, node(updatedAt=lambda: {"at": many()})),
    "a page with texts for objects": (PAGE, node(customer=many)),
    "a page with addresses for names of fields": (PAGE, lambda answer: node(**{email(): many(), phone(): 1})(answer)),
    "a page with names of fields that hold one": (PAGE, lambda answer: node(
        **{f"of {email()}": {email(): email()}, "by": {email(): 1, phone()[1:]: 2}})(answer)),
    "a page without a cursor": (PAGE, data(lambda given: given["abandonedCheckouts"].update(
        pageInfo={"hasNextPage": True, "endCursor": None, "note": many()}))),
    "a page with fields missing": (PAGE, data(lambda given: given["abandonedCheckouts"].pop("pageInfo"))),
}  # fmt: skip


# what every night asks for can be played one after another in one home; the others are of a first load
GROUPS = {
    "of a count": [path for path, (sign, _) in PATHS.items() if sign == COUNT],
    "of a page": [path for path, (sign, _) in PATHS.items() if sign == PAGE],
    **{path: [path] for path, (sign, _) in PATHS.items() if sign not in (COUNT, PAGE)},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FRUITLESS_PAUSE", 0.01)


@pytest.mark.parametrize("group", GROUPS)
def test_no_address_of_anybody_is_told_by_an_error(
    tmp_path: Path, group: str, told: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    api = Hostile(limits=1000)
    with store(tmp_path, api, call_seconds=0.5, bulk_seconds=0.3) as world:
        seed_few(api)
        for path in GROUPS[group]:
            for times in (10_000, 1):  # it stays, then it passes
                api.sign, api.play = PATHS[path]
                api.left = times
                for _ in range(ATTEMPTS):
                    with watched(world, told, caplog, capfd):
                        world.land()
                    if api.left < times:
                        break
                assert api.left < times, f"{path}: was not taken"
                caplog.clear()
        api.play = None
        with watched(world, told, caplog, capfd):
            assert world.land().reason is None or world.reports[-1].is_gated


def seed_few(api: Hostile) -> None:
    for number in range(1, 26):
        address = {"emailAddress": email(), "marketingState": "SUBSCRIBED"}
        api.seed("customers", [customer(number, firstName=email(), defaultEmailAddress=address)])
        api.seed("orders", [order(number, lines=1, email=email(), phone=phone())])
        api.seed("abandonedCheckouts", [checkout(number, customAttributes=[{"key": "email", "value": email()}])])


@pytest.mark.parametrize("fault", ["cut_off", "reset_after", "empty_body", "errors_body", "html", "bulk_failed"])
def test_no_address_is_told_by_a_broken_connection(
    tmp_path: Path, fault: str, told: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    api = Hostile(limits=1000)
    with store(tmp_path, api, call_seconds=1) as world:
        seed_few(api)
        with watched(world, told, caplog, capfd):
            world.arm(fault, times=1000, match="c")
            world.land()
            world.sandbox.faults.disarm()
            world.land_well()


def test_no_address_is_told_by_loads_gates_and_drift_of_a_peopled_store(
    tmp_path: Path, told: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    api = peopled()
    with store(tmp_path, api) as world, watched(world, told, caplog, capfd):
        world.land_well()
        world.arm("page_empty", match="abandonedCheckouts(", times=1000)
        assert world.land().is_gated
        world.sandbox.faults.disarm()
        api.sign, api.left = "abandonedCheckouts(first", 1
        api.play = node(customer=many, **{"a key": many})
        assert world.land().reason
        api.play = None
        world.land_well()
        world.land_well(window=Window(mode="retype"))
        world.vendor.seed("customers", [customer(1, at(5000), lastName=email())])
        assert world.land_killed("pages_noted:1:kill9") == -9
        world.land_well()
    assert len(forced) >= PEOPLE * 3


def test_10_000_canaries_were_forced_through_all_that() -> None:
    """Runs last in this file; each path alone would force too few."""
    if len(forced) < 2 * PER_ANSWER * len(PATHS):
        pytest.skip("run the whole file")
    assert len(forced) >= 10_000


def test_a_canary_would_be_found(tmp_path: Path, told: list[str], caplog: pytest.LogCaptureFixture,
                                 capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """The watch itself: one that finds nothing proves nothing."""
    with store(tmp_path) as world:
        fill(world, 3)
        with pytest.raises(AssertionError, match="exceptions"), watched(world, told, caplog, capfd):
            told.append(f"KeyError: {email()}")
        with pytest.raises(AssertionError, match="output"), watched(world, [], caplog, capfd):
            print(phone())
