"""What users see: results and progress as text, bars or JSON, and how a command ended.

Nothing in here knows the options or the commands.
"""
