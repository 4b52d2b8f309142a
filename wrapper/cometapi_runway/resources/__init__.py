"""The parts of a client: one ``create`` per operation, tasks by id, the bound task, the journal.

Arguments become a request here (`_prepare_request`), a flow decides what to send, and the session's
driver sends it. Nothing in here imports a client or httpx, or interprets a response.
"""
