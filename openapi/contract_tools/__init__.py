"""From a documentation page to the contract, and from the contract to the generated client.

    _common   JSON values, OpenAPI documents, YAML, files, the workspace
    pages     saved documentation pages and the vendored copies of them
    build     vendored pages and overlays, built into `openapi/runway.yaml`
    generate  the generated package, and the table of operations in the README
    diff      the comparison behind `make vendor` and `make spec-diff`

Each package imports only packages above it in this list, except that `diff` does not import
`generate`. `__main__` is the command line and imports all of them.
"""
