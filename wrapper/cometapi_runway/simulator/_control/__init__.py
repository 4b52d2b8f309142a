"""The control API under ``/_simulator/`` and its status page.

It reads and changes a gateway through the gateway's public methods. It knows no sockets.
"""
