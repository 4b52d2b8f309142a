"""What users set: options, environment variables and the settings file.

Nothing in here sends a request or knows the commands.
"""
