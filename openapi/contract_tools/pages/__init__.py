"""Documentation pages: reading a saved page, storing its OpenAPI block, and `pages.toml`.

Does not know what a contract is or how the pages become one.
"""
