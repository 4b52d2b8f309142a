"""The one error these tools raise for their user to read."""


class ContractError(Exception):
    """Something in a page, an overlay or the generator's answer is not as it has to be.

    The message names the place, the rule and what was found instead; the command line
    prints it without a traceback.
    """
