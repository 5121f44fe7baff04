"""docs/api.md is true: its routes, scopes and problems are the program's, its examples work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
from api_house import ApiHouse, api_house

from qingjing.doors.api.keys import SCOPES
from qingjing.doors.api.problems import SORTS

PAGE: Final = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
ROW: Final = re.compile(
    r"^\| `([A-Z]+) (/\S+)` \| (?:`([a-z]+)`|–) \| \S.*\S \|$", re.MULTILINE
)
SCOPE_OF: Final = {(method, path): scope for method, path, scope in ROW.findall(PAGE)}
METHODS: Final = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file."""
    with api_house(tmp_path_factory.mktemp("page")) as made:
        yield made


@pytest.fixture(scope="module")
def document(house: ApiHouse) -> dict[str, Any]:
    """The OpenAPI document, which is for everybody."""
    found: dict[str, Any] = httpx.get(f"{house.url}/v1/openapi.json", trust_env=False).json()
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The operations of the document by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_every_route_has_its_row_and_no_row_is_about_another(document: dict[str, Any]) -> None:
    """With the scope that opens it."""
    found = {key: one["tags"][0] for key, one in operations(document).items()}

    assert set(SCOPE_OF) == set(found)
    documented = {key: scope or "service" for key, scope in SCOPE_OF.items()}
    assert documented == found


def test_every_scope_opens_something(document: dict[str, Any]) -> None:
    """A key's scope is the tag of its routes; no scope is without a route."""
    tags = {one["tags"][0] for one in operations(document).values()}

    assert tags == {*SCOPES, "service"}


def test_every_route_says_what_it_does(document: dict[str, Any]) -> None:
    """A summary and a sentence each, and every problem that may come."""
    statuses = {str(sort.status) for sort in SORTS.values()}
    for key, operation in operations(document).items():
        assert operation["summary"], key
        assert operation["description"].endswith("."), key
        assert statuses <= set(operation["responses"]), key


def test_every_kind_of_problem_has_its_row() -> None:
    """With its status, and when it comes."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", PAGE, re.MULTILINE)

    assert [(name, str(sort.status)) for name, sort in SORTS.items()] == rows


class Call(NamedTuple):
    """A request as an example of the page makes it."""

    method: str
    url: str
    head: dict[str, str]
    body: str


def calls() -> Iterator[Call]:
    """Every curl of the page."""
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("curl "):
                yield read(shlex.split(line))


def read(words: list[str]) -> Call:
    """The request of a command line."""
    method, url, body = "", "", ""
    head: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                head[name] = value
            case "-d" | "--data-binary":
                body = next(rest)
            case "-o":
                next(rest)
            case _:
                url = word
    return Call(method or ("POST" if body else "GET"), url, head, body)


CALLS: Final = list(calls())


def test_the_examples_are_found() -> None:
    """The list is not empty by accident."""
    assert len(CALLS) > 20
    assert all(call.url.startswith("$API/") for call in CALLS)


def test_every_example_of_the_page_works_as_written(house: ApiHouse) -> None:
    """One after the other against the real service, with a key that opens all of it."""
    key = house.key("admin")
    answers = []
    with httpx.Client(base_url=house.url, timeout=30, trust_env=False) as client:
        for call in CALLS:
            head = {name: value.replace("$KEY", key) for name, value in call.head.items()}
            body = call.body.encode()
            if call.body.startswith("@"):
                body = b"phone\n13800138000\n13800138001\n"
            url = call.url.removeprefix("$API")
            answer = client.request(call.method, url, headers=head, content=body)
            answers.append((call.method, url, answer.status_code, answer.text[:200]))

    assert [one for one in answers if not 200 <= one[2] < 300] == []


def test_the_settings_of_the_page_are_understood(tmp_path: Path) -> None:
    """The block that turns it on loads as it stands."""
    from qingjing.settings import load

    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "qingjing.toml").write_text(block, "utf-8")
    found = load(tmp_path / "qingjing.toml")

    assert found.api is not None
    assert found.accounts["shop"].protocol == "http"
