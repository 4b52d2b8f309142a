"""A server that repeats each request through the client, so that any server tester can test it.

A request becomes the arguments of a call; the client is called with them and a recording
transport, and what it sends is compared with what came in:

    equal                     the documented success, as the client parsed it
    rejected by the client    422, with the client's message
    sent, but different       500, with the difference

`endpoints` holds the functions that can be called, `request_parsing` turns a request into
arguments, `openapi_document` describes the server, `app` serves it over ASGI, `in_process`
reaches it without a connection, and `python -m tests.contract.client_as_server` runs the
schemathesis command line against it.
"""
