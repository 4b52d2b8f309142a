"""What several commands do: make a client, submit a request, wait for tasks and save their files.

Nothing in here parses the command line.
"""
