"""How fast the library is, in one run with its rivals, and how close to what the machine can do.

A *row* is a claim about speed or size.  It is measured in *contests*: one job, done by us and by others in alternated
rounds, a matrix product among them that says what the machine gives at that moment.  Before anything is timed, our
result and the rival's must be equal.  In reading order::

    records      what is measured, and what is made of it      no torch
    harness      contests: alternated rounds, the probe
    rivals       the others, as their users run them
    forward, training, evaluation, loading, memory, pages      the rows
    curves       how cost grows
    machine      where it was measured
"""

# Where each row lives.  None is loaded before it is asked for.
ROWS = {
    "forward": "vggstudy.bench.forward",
    "forward_tuned": "vggstudy.bench.forward",
    "train_step": "vggstudy.bench.training",
    "epoch": "vggstudy.bench.training",
    "dense_head": "vggstudy.bench.evaluation",
    "dense": "vggstudy.bench.evaluation",
    "multi_crop": "vggstudy.bench.evaluation",
    "loader": "vggstudy.bench.loading",
    "memory": "vggstudy.bench.memory",
    "widgets": "vggstudy.bench.pages",
    "book": "vggstudy.bench.pages",
}
