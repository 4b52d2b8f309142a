"""Drivers that call the two clients with JSON arguments, and a transport that records requests.

`generated_driver` calls the generated client in its four flavours, `wrapper_driver` the wrapper's
two clients, `request_capture` records, checks and parses what they send. Knows no checks.
"""
