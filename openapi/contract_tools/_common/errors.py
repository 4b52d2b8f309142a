"""The error that these tools raise for their user to read."""


class ContractError(Exception):
    """A page, an overlay, the contract or the generator's output breaks a rule.

    The message names the place, the rule and what was found. The command line prints it without
    a traceback.
    """
