"""Requests made from the OpenAPI document, well-formed and not: no answer is a failure of the server, and each is one that the document tells of."""

import itertools
import json
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs/openapi.json").read_text())

# What an answer may hold without being told of: the fields of an event belong to its kind.
OPEN = ("Event", "Problem")

# What would leave nothing to try the rest on. It is tried with names of things that are not there.
ENDS_THINGS = ("removeConnection",)


def strict(document: dict) -> dict:
    """The document with no room for fields that it does not name."""
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema and name not in OPEN:
            schema.setdefault("additionalProperties", False)
    return document


schema = schemathesis.openapi.from_dict(strict(DOCUMENT))
# It ends when the client does: `crates/web/tests/it/streams.rs` listens to it.
operations = schema.exclude(operation_id="streamEvents")
turns = itertools.count()


@operations.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_documented(case, session, known):
    well_formed = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    operation = case.operation.definition.raw["operationId"]
    if well_formed and case.path_parameters and operation not in ENDS_THINGS and next(turns) % 4:
        kind = case.operation.path.split("/")[3]
        there = known.get(kind, [])
        if there:
            case.path_parameters[next(iter(case.path_parameters))] = there[next(turns) % len(there)]
    # The admin socket asks nobody who they are; and what limits of a key contradict each other, say, is beyond a schema.
    beyond = [ignored_auth, positive_data_acceptance]
    case.call_and_validate(session=session, base_url="http://paddock", excluded_checks=beyond, timeout=60)


def test_it_serves_on(paddock, session):
    session.post("http://paddock/api/v1/unfreeze", timeout=60)
    health = session.get("http://paddock/api/v1/health", timeout=60)
    assert health.json()["ready"] is True
    assert paddock.cli("audit", "verify")["valid"] is True
