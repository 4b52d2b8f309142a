"""What the contract tools compute again and again, kept between tests, workers and runs.

Every result is kept under everything that it depends on: inputs, code and versions of libraries.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from jsonschema import ValidationError
from openapi_schema_validator import OAS31Validator
from tests.generator_in_process import run_generator

from contract_tools._common import json_values, portable_yaml
from contract_tools._common.atomic_files import read_tree
from contract_tools._common.json_values import Json, JsonObject
from contract_tools.build import contract, lint, overlays
from contract_tools.generate import generator

KEPT = Path(__file__).resolve().parents[1] / ".build" / "unit-openapi"
# A mutant of the readers is in memory alone: their files do not show it.
IS_MUTATED = getattr(sys.modules["__main__"].__spec__, "parent", "") == "tests.mutants"
# A shorter text is read or written faster than its file is found.
LONG = 1000


@contextlib.contextmanager
def cache_results() -> Iterator[None]:
    """Cache the slowest steps of the tools: most tests repeat them on the same contract.

    Tests that run the tools in a separate process show that the results are always the same.
    """
    with pytest.MonkeyPatch.context() as patch:
        _cache_yaml(patch)
        _cache_validation(patch)
        _cache_programs(patch)
        # An overlay is compiled for each build.
        patch.setattr(overlays.jsonpath, "compile", functools.cache(overlays.jsonpath.compile))
        yield


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _versions(*names: str) -> str:
    """The installed versions of libraries: what they answered is kept for these alone."""
    return _digest(sys.version, *(f"{name} {metadata.version(name)}" for name in names))


def _keep(file: Path, compute: Callable[[], str]) -> str:
    """What was computed once, by any worker of any run."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_text("utf-8")
    text = compute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as new:
        new.write(text)
    Path(new.name).replace(file)
    return text


def _cache_yaml(patch: pytest.MonkeyPatch) -> None:
    """Cache what is read and written; long texts for the next run as well."""
    libraries = _versions("ruamel.yaml", "pyyaml")
    code = _digest(*(Path(one.__file__).read_text("utf-8") for one in (portable_yaml, json_values)))
    known: dict[str, str] = {}

    def remember(compute: Callable[[], str], *key: str) -> str:
        name = _digest(libraries, code, *key)
        if name not in known:
            is_kept = len(key[-1]) > LONG and not IS_MUTATED
            known[name] = _keep(KEPT / name, compute) if is_kept else compute()
        return known[name]

    def remembering(load: Callable[[str, str], Json]) -> Callable[[str, str], Json]:
        def loaded(text: str, where: str) -> Json:
            compute = lambda: json.dumps(load(text, where))  # noqa: E731
            value: Json = json.loads(remember(compute, load.__name__, text))
            return value

        return loaded

    dump = portable_yaml.dump

    def dumped(value: Json, *, heading: str = "") -> str:
        if heading != contract.HEADING:
            return dump(value, heading=heading)
        content = json.dumps(value)
        text = remember(lambda: dump(value, heading=heading), "dump", heading, content)
        # The reader of YAML 1.2 takes half of the time of a build, and need not read each contract:
        # test_portable_yaml shows that what is written reads back, and so do tests with processes.
        remember(lambda: content, "load", text)
        return text

    for name in ("load", "load_as_yaml_1_1"):
        patch.setattr(portable_yaml, name, remembering(getattr(portable_yaml, name)))
    patch.setattr(portable_yaml, "dump", dumped)


def _cache_validation(patch: pytest.MonkeyPatch) -> None:
    """Cache the specification check, the slowest rule: most contracts and most schemas recur."""
    validator, check_schema = lint.OpenAPIV31SpecValidator, OAS31Validator.check_schema
    known: dict[str, list[ValidationError]] = {}
    valid_schemas: set[str] = set()
    libraries = _versions("openapi-spec-validator", "openapi-schema-validator", "jsonschema")

    class Remembering:
        def __init__(self, document: JsonObject) -> None:
            self.key = _digest(libraries, json.dumps(document))
            self.document = document

        def iter_errors(self) -> list[ValidationError]:
            # Of the valid ones the next run need not know more.
            valid = KEPT / self.key
            if self.key not in known and not valid.exists():
                known[self.key] = list(validator(self.document).iter_errors())
                if not known[self.key]:
                    _keep(valid, str)
            return known.get(self.key, [])

    def remember_valid(schema: Json, **options: object) -> None:
        key = json.dumps(schema)
        if key not in valid_schemas:
            check_schema(schema, **options)
            valid_schemas.add(key)

    patch.setattr(lint, "OpenAPIV31SpecValidator", Remembering)
    patch.setattr(OAS31Validator, "check_schema", staticmethod(remember_valid))


def _cache_programs(patch: pytest.MonkeyPatch) -> None:
    """Run the generator in this process, and import a package that is the same once."""
    run = generator._run
    versions = _versions("attrs", "httpx")

    @functools.wraps(run)
    def remembered(*command: str | Path) -> CompletedProcess[str]:
        if "openapi_python_client" in command:
            return generate(*map(str, command[5:]))
        if generator.IMPORT_ALL not in command:
            return run(*command)
        files = (f"{name}\0{text!r}" for name, text in read_tree(Path(command[-1])).items())
        can_be_imported = KEPT / _digest(versions, generator.IMPORT_ALL, *files)
        if can_be_imported.exists():
            return CompletedProcess([], 0, "", "")
        ran = run(*command)
        if not ran.returncode:
            _keep(can_be_imported, str)
        return ran

    patch.setattr(generator, "_run", remembered)


def generate(*arguments: str) -> CompletedProcess[str]:
    """Run the generator, or repeat what it wrote for the same contract and configuration.

    Args:
        arguments: of the program: options, `--path`, `--config` and last `--output-path`.
    """
    *options, package = arguments
    source, config = (options.index(name) + 1 for name in ("--path", "--config"))
    read = [Path(options[index]).read_text("utf-8") for index in (source, config)]
    options[source] = options[config] = ""
    libraries = _versions("openapi-python-client", "ruff", "jinja2", "pydantic", "attrs")

    def compute() -> str:
        done = run_generator(*arguments)
        files = read_tree(Path(package))
        texts = {name: content.decode("utf-8") for name, content in files.items()}
        return json.dumps([done.returncode, done.stdout, done.stderr, texts])

    kept = _keep(KEPT / _digest(libraries, *options, *read), compute)
    code, output, error, texts = json.loads(kept)
    for name, text in texts.items():
        file = Path(package, name)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
    return CompletedProcess([], code, output, error)
