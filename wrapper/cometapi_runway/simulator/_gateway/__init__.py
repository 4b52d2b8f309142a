"""The gateway: requests in, replies out. It holds tasks, charges, output files and the request log.

Nothing in here waits, reads the machine's clock, or knows ASGI and sockets.
"""
