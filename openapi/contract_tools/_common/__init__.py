"""What every other package here uses: errors, JSON values, OpenAPI documents, YAML and files.

Knows no page, no overlay and no generator, and imports no other package of these tools.
"""
