"""What hangs on a client: one ``create`` per operation, tasks by id, the bound task, the journal.

Arguments become a request in here (`_prepare_request`), a flow decides what to send, and the
session's driver sends it. Nothing in here knows a client, httpx, or what a response means.
"""
