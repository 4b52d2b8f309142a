"""The client dressed as a server, so that any tester of servers tests it.

A request to the mirror is not answered but repeated: its parts become the arguments of a call,
the client is called with them behind a captured transport, and what it would send is compared with
what came in.

    equal                      the documented success, as the client understood it
    refused by the client      422, in the client's words
    sent, but not the same     500, with the difference

`doors` holds what can be called and how, `document` describes it as an OpenAPI document, `app`
serves both over ASGI, and `python -m tests.contract.mirror` puts the schemathesis command line
in front of it.
"""
