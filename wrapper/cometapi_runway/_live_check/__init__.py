"""Questions to a real gateway that create no task, and what its responses say of the contract.

`_questions` makes the questions and the flow that asks one, `_verdicts` compares a response to
what the contract expects, and `_evidence` writes all of it to a file without secrets.
"""
