"""The oracle and a second validator agree on every value drawn, right and wrong."""

from __future__ import annotations

import json

import jsonschema

from cometapi_runway.validation import contract

CONTRACT = contract()
CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER


def second_opinion(schema):
    whole = {**schema, "components": CONTRACT.document["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=CHECKER)


def test_bodies(source, posting):
    second = second_opinion(posting.body_schema)
    disagreements = []
    for mode, drawn in (("right", source.right), ("wrong", source.wrong)):
        values = drawn(posting.body_schema)
        assert len(values) > 5, f"{posting.id}: only {len(values)} {mode} bodies were drawn"
        for one in values:
            first = not CONTRACT.check_body(posting.id, one.value)
            other = second.is_valid(one.value)
            if not first == other == (mode == "right"):
                said = f"oracle {first}, second {other}, drawn as {mode}"
                disagreements.append(f"{said} by {one.origin}: {json.dumps(one.value)[:400]}")
    assert not disagreements, "\n".join([posting.id, *disagreements[:5]])


def test_answers(source, operation):
    # Statuses share forms; once each is enough for the second validator, which is slow.
    forms = {json.dumps(one.schema): one for one in operation.responses if one.schema is not None}
    for response in forms.values():
        second = second_opinion(response.schema)
        status = int(response.status) if response.status.isdigit() else 599
        for mode, drawn in (("right", source.right), ("wrong", source.wrong)):
            for one in drawn(response.schema):
                first = not CONTRACT.check_response(operation.id, status, one.value)
                assert first == second.is_valid(one.value) == (mode == "right"), (
                    f"{operation.id} {response.status}, drawn as {mode}: {json.dumps(one.value)}"
                )


def test_issue_paths_match_the_second_validator(source, posting):
    """The place of a finding is a place of the second validator's, or lies below one."""
    second = second_opinion(posting.body_schema)
    for one in source.invalid(posting.body_schema):
        blamed = {places(error) for error in second.iter_errors(one.value)}
        for issue in CONTRACT.check_body(posting.id, one.value):
            assert any(issue.path.startswith(place) for place in blamed), (
                f"{posting.id}: {issue.message}; the second validator blames {blamed}"
            )


def places(error):
    return "".join(f"/{step}" for step in error.absolute_path)
