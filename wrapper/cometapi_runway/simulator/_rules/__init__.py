"""Rules as data: which requests a rule applies to, what goes wrong there, how tasks end.

Nothing in here knows requests, stored tasks or sockets.
"""
