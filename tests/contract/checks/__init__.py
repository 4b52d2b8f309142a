"""What must hold between the contract and the clients, for every operation.

`harness` sets up the generated client and draws requests and responses; `generated_checks`,
`unions` and `wrapper_checks` hold the checks; `failures` and `shrinking` turn a failed check into
a small reproducible failure. No check names an operation: all of them come from the contract.
"""
