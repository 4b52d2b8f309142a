"""The contract validator and jsonschema agree on every drawn value, valid and invalid."""

from __future__ import annotations

import json

import jsonschema

from cometapi_runway.validation import contract

CONTRACT = contract()
CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER


def reference_validator(schema):
    whole = {**schema, "components": CONTRACT.document["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=CHECKER)


def test_bodies(source, posting):
    reference = reference_validator(posting.body_schema)
    disagreements = []
    for mode, drawn in (("valid", source.valid), ("invalid", source.invalid)):
        values = drawn(posting.body_schema)
        assert len(values) > 5, f"{posting.id}: only {len(values)} {mode} bodies were drawn"
        for one in values:
            first = not CONTRACT.check_body(posting.id, one.value)
            other = reference.is_valid(one.value)
            if not first == other == (mode == "valid"):
                results = f"contract {first}, jsonschema {other}, drawn as {mode}"
                disagreements.append(f"{results} by {one.origin}: {json.dumps(one.value)[:400]}")
    assert not disagreements, "\n".join([posting.id, *disagreements[:5]])


def test_responses(source, operation):
    # Statuses share schemas; jsonschema is slow, so each schema is validated once.
    schemas = {json.dumps(one.schema): one for one in operation.responses if one.schema is not None}
    for response in schemas.values():
        reference = reference_validator(response.schema)
        status = int(response.status) if response.status.isdigit() else 599
        for mode, drawn in (("valid", source.valid), ("invalid", source.invalid)):
            for one in drawn(response.schema):
                first = not CONTRACT.check_response(operation.id, status, one.value)
                assert first == reference.is_valid(one.value) == (mode == "valid"), (
                    f"{operation.id} {response.status}, drawn as {mode}: {json.dumps(one.value)}"
                )


def test_issue_paths_match_the_second_validator(source, posting):
    """Each issue path is at or below a path that jsonschema reports."""
    reference = reference_validator(posting.body_schema)
    for one in source.invalid(posting.body_schema):
        reported = {json_pointer(error) for error in reference.iter_errors(one.value)}
        for issue in CONTRACT.check_body(posting.id, one.value):
            assert any(issue.path.startswith(path) for path in reported), (
                f"{posting.id}: {issue.message}; jsonschema reports {reported}"
            )


def json_pointer(error):
    return "".join(f"/{step}" for step in error.absolute_path)
