"""Everything that acts on the network or on time: the only room that knows httpx and httpcore.

Drivers carry out the steps of flows, the transport sends requests, the scheduler runs many waits.
Nothing in here decides what to send, how long to wait, or what a response means.
"""
