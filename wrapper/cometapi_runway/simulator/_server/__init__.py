"""Serving: the ASGI application, delivery of replies, loopback sockets, and sending callbacks.

Nothing in here decides what to reply.
"""
