"""What the results of a run are of: a revision, a contract, a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.revision import read_revision

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError

from .github_annotations import CONTRACT, ROOT
from .results import ContractRun


def contract_digest() -> str:
    """The SHA-256 of the contract's file."""
    return hashlib.sha256((ROOT / CONTRACT).read_bytes()).hexdigest()


def describe_run(run: ContractRun) -> dict[str, Any]:
    """Revision, contract and moment of a run, as JSON."""
    revision = run.revision
    return {
        "revision": str(revision) if revision else "not recorded",
        "state": revision.as_json() if revision else None,
        "started": run.started.isoformat(" ", "seconds"),
        "seconds": round(run.seconds, 1),
        "digest": contract_digest(),
        "stopped": run.stopped,
        "selection": run.is_selection,
        "complete": run.is_complete,
    }


def find_mismatches(run: ContractRun) -> Iterator[str]:
    """Why the results are not those of the named contract and revision."""
    try:
        # Written to be read alike as YAML 1.1 and 1.2; the reader of 1.1 takes a tenth of the time.
        document = portable_yaml.load_as_yaml_1_1((ROOT / CONTRACT).read_text("utf-8"), CONTRACT)
    except ContractError as error:
        yield str(error)
    else:
        if document != run.contract.document:
            yield (
                f"the clients were not generated from {CONTRACT} as it is now, "
                "and another contract was tested: run `make regenerate`"
            )
    if run.revision is not None and read_revision() != run.revision:
        yield "files of the project changed during the run, so it tested no single revision"
