"""Network, threads, asyncio and time: the only folder that uses httpx and httpcore at run time.

Drivers carry out the steps of flows, the transport sends requests, the scheduler runs many waits.
The modules here do not decide what to send, how long to wait, or what a response means.
"""
