"""How strong the tests are: defects are seeded one at a time, and somebody has to notice.

`make mutants` seeds the hand-picked ones (`picked.toml`, `moved.toml`) and as many random ones as
wanted, with a seed that is printed. Each is shown to the unit tests and, where they do not notice,
to the contract suite; for comparison also to a small suite of the kind that people write for such
a client (`naive`).

Regenerating and comparing would find every change of generated code, and prove nothing about the
tests; it is not among the judges.

    sites      where random defects can be seeded: operators, constants, calls, conditions
    picked     the defects that a person thought of, and contracts that moved on without the client
    draws      what the contract suite draws, kept over processes: drawing takes longer than testing
    record     the suites without a defect: who calls what, how long it takes, that all is green
    swap       a defect put into functions of a running process
    overlay    a defect put into a copy of the package, for those that are no function's
    forks      processes, two at a time, each with an alarm
    loaded     defects inside functions: a suite loaded once, forked for each of them
    anew       all others: a fork that loads the changed copy
    verdicts   what a judge said, and what of it is a kill
    run        all of it in order; `tell` says how it went
    toy        the same over an invented package, for the tests of all this
"""
