"""The report of a contract run.

`plugin` collects results from all workers into `results`; `report_data` turns them into one JSON
document, `html_page` into a page, `github_annotations` into annotations; `output` prints and
writes them. Runs no check.
"""
