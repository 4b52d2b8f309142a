"""`python -m tests.mutants.sample_project FOLDER [argument …]`: the runner on an invented package.

Only the package, the suites and the timeouts differ from the real runner. The folder holds the
package, its suites and the mutants; see `test_runner`.
"""
