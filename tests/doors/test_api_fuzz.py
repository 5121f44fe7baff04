"""The whole API against its own document: whatever is sent, it answers as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from api_house import ApiHouse, api_house, once, sent
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from qingjing.settings import Api


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for all that is sent."""
    api = Api(port=0, lists_max=2)
    with api_house(tmp_path_factory.mktemp("fuzz"), api) as made:
        with made.client("messages") as client:
            # The first decision may wait for a compiler, longer than the requests below do.
            client.timeout = 120
            client.post("/v1/messages", json=sent(), headers=once("first"))
        yield made


@pytest.fixture(scope="module")
def head(house: ApiHouse) -> dict[str, str]:
    """A key that opens everything."""
    return {"Authorization": f"Bearer {house.key('admin', per_s=100_000)}"}


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]


ROUTES_MIN = 30
"""So many operations are in the document; fewer, and something was not tried."""


@pytest.mark.slow
def test_every_route_answers_as_its_document_says(
    house: ApiHouse, head: dict[str, str]
) -> None:
    """No 5xx, no status, media type or body that is not in the document, no way round a key."""
    document = schemathesis.openapi.from_url(f"{house.url}/v1/openapi.json")
    tried = 0
    for found in document.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # an Err of it fails here
        tried += 1

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=head, checks=CHECKS)

        try:
            answers()
        except Exception as error:
            error.add_note(operation.label)
            raise

    assert tried >= ROUTES_MIN


def test_the_service_is_ready_after_all_that(house: ApiHouse) -> None:
    """Nothing of it broke the ledger or stopped a turn."""
    with house.client("messages") as client:
        assert client.get("/ready").status_code == 200
    assert not house.gateway.failed.done()
