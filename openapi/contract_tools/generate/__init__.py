"""What is written from the contract: the generated package and the table of operations.

Knows openapi-python-client and ruff. Does not know how the contract changed since last time.
"""
