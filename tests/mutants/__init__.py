"""Mutation testing: how many mutants (mutants) the tests detect (kill).

`make mutants` runs the hand-picked mutants (`picked.toml`, `contract_changes.toml`) and, in every
area of the code, a number of random ones with a printed seed. Each runs through the suites of its
area; for comparison mutants of the client also run through a small example-based suite
(`comparison`).

Regenerating and comparing is not a suite here: it would kill every mutant of generated code and say
nothing about the tests.

    areas               generated code, core, simulator, command line, contract tools
    mutation_operators  random mutants: operators, constants, calls, conditions
    exception_operators random mutants of `except` clauses
    random_mutants      the sample of random mutants, and the list of equivalent ones
    picked_mutants      hand-picked mutants of code and of the contract
    suites              the test suites and what they are run for
    baseline            the unchanged suites: calls, durations, failures
    value_cache         caches drawn values, since drawing takes longer than testing
    code_swap           replaces functions of a running process
    package_copy        a copy of the package with one changed file
    forked_processes    processes with a timeout, several at a time
    swap_runner         mutants inside functions: a suite loaded once, forked for each mutant
    reload_runner       all other mutants: a process that imports the changed copy
    results             what a suite found, and what counts as a kill
    runner, report      all of it in order, and the report
    sample_project      runs everything on an invented package, for the tests of this package
"""
