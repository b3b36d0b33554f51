"""Requests made from the OpenAPI document, well-formed and not: no answer is a failure of the server, and each is one that the document tells of."""

import itertools
import json
from pathlib import Path

import requests
import schemathesis
from conftest import AdminSocket
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs/openapi.json").read_text())

# What an answer may hold without being told of: the fields of an event belong to its kind.
OPEN = ("Event", "Problem")

# What would leave nothing to try the rest on. It is tried with the last thing of its kind, and then with names of things that are not there.
ENDS_THINGS = (
    "abortRotation",
    "cancelOrder",
    "endSession",
    "removeConnection",
    "removeConsumer",
    "removePerson",
    "revokeKey",
    "revokeToken",
    "withdrawInvitation",
)


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


def examples(count: int):
    """So many requests for each operation, the same in every run."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def name_what_is_there(case, operation: str, known: dict) -> None:
    """Fills the parameters of the path with names of things that are there, each by the word that it stands behind."""
    words = case.operation.path.split("/")
    places = [(words[at - 1], word.strip("{}")) for at, word in enumerate(words) if word.startswith("{")]
    for kind, parameter in places:
        there = known.get(kind, [])
        if not there:
            continue
        if parameter != places[-1][1]:
            # The things of a connection are the first one's.
            name = there[0]
        elif operation in ENDS_THINGS:
            name = there[-1]
        else:
            name = (there[:-1] or there)[next(turns) % max(1, len(there) - 1)]
        case.path_parameters[parameter] = name


def call(case, session, address: str, known: dict, beyond: list) -> None:
    """Sends it, mostly with names of things that are there, and holds the answer against the document."""
    well_formed = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    operation = case.operation.definition.raw["operationId"]
    if well_formed and case.path_parameters and next(turns) % 4:
        name_what_is_there(case, operation, known)
    # What limits of a key contradict each other, say, is beyond a schema.
    case.call_and_validate(session=session, base_url=address, excluded_checks=[positive_data_acceptance, *beyond], timeout=60)


@operations.parametrize()
@examples(40)
def test_answers_are_as_documented(case, session, known):
    # The admin socket asks nobody who they are.
    call(case, session, "http://paddock", known, [ignored_auth])


@operations.parametrize()
@examples(6)
def test_answers_are_as_documented_for_an_owners_token(case, owner, served, there):
    call(case, owner, served.web, there, [ignored_auth])


@operations.parametrize()
@examples(3)
def test_answers_are_as_documented_for_a_token_that_is_no_proof(case, usual, served, there):
    call(case, usual, served.web, there, [ignored_auth])


@operations.parametrize()
@examples(4)
def test_answers_are_as_documented_for_a_viewers_token(case, viewer, served, there):
    before = standing(served)
    call(case, viewer, served.web, there, [ignored_auth])
    if case.method.upper() != "GET":
        assert standing(served) == before, "a viewer has changed something"


def standing(served) -> list:
    """All that a viewer might wish to change."""
    what = ("connections", "keys", "freezes", "approvals", "trading", "people", "invitations")
    with requests.Session() as session:
        session.mount("http://", AdminSocket(served.directory / "paddock.sock"))
        return [session.get(f"http://paddock/api/v1/{name}", timeout=60).text for name in what]


@operations.parametrize()
@examples(2)
def test_nobody_gets_anything(case, served, there):
    answer = case.call(base_url=served.web, timeout=60)
    if case.method.upper() == "OPTIONS":  # which methods there are is in the document, too
        assert not answer.content
        return
    assert answer.status_code in (401, 403, 404, 405, 413, 415), f"{case.method} {case.path}: {answer.status_code}"


def test_it_serves_on(paddock, session):
    session.post("http://paddock/api/v1/unfreeze", timeout=60)
    health = session.get("http://paddock/api/v1/health", timeout=60)
    assert health.json()["ready"] is True
    assert paddock.cli("audit", "verify")["valid"] is True


def test_the_other_one_serves_on(served, owner):
    assert owner.get(served.web + "/api/v1/health", timeout=60).json()["ready"] is True
    assert served.cli("audit", "verify")["valid"] is True
