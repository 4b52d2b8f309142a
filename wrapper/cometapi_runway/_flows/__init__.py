"""The decisions of this package, as generators without I/O.

What to send next, how long to sleep, when to give up: each such rule is here, once. A driver
(`_io.drivers`) carries out the steps, or a test does with a fake clock. Nothing in here uses httpx,
asyncio, threads or the time. One exception to "no I/O": a download closes its partial file itself,
because an abandoned flow takes no further step and the file's lock must still be released.
"""
