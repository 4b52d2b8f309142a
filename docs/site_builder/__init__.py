"""Builds the documentation site: ``python -m docs.site_builder FOLDER``, or ``make docs``.

- ``pages``: every page as Markdown: the files of ``docs/``, the changelog, and generated pages.
- ``operations``: one page per operation, from the contract.
- ``commands``: the reference of the command line, from its commands.
- ``tables``: errors, exit codes, faults and settings, from the classes that define them.
- ``site``: HTML by Sphinx, a Markdown twin of each page, ``llms.txt``, and a check of every link.

`read_pages` needs no Sphinx, so that tests can execute the code blocks of every page.
"""
