"""How much each feature of a candidate speaks for it.

The weights are those of a conditional logistic regression, which chooses one of the candidates of
each old node.  It was fitted to changes that ``benchmarks/trees/simulate.py`` made in trees of
several languages, and to one pair of published versions; ``benchmarks/trees/README.md`` says how
well it does on others.
"""

import numpy as np

from prodcat.taxonomy.changes.features import FEATURES

_WEIGHTS = {
    "same words": 1.81, "n-grams": 2.13, "old words in new path": -0.12,
    "new words in old path": 0.52, "common words": 1.44, "paths": 3.52, "child": 3.62,
    "deeper below": 0.34, "parent": 0.84, "above the parent": -1.07, "nearness": 1.71,
    "is another already": -3.55,
    "children's votes": 3.74, "votes among its children": -0.03, "parent is leaf": 3.0,
    "parent has new children": 2.09, "likelier for another": -0.55, "renamed alike": 0.05,
    "last one left": 1.28,
    "siblings gone": 0.48, "inner into parent": 0.5, "inner into leaf": 1.47,
    "same words elsewhere": -1.15, "both in paths": -0.47, "nothing": -0.0, "titles": 6.0,
    "specific words kept": 2.3, "specific words explained": 2.18, "specific words in both": -2.22,
    "specific words below": 0.21, "subtrees": 1.31, "no subtree": -1.14, "same spelling": 1.86,
}  # fmt: skip
WEIGHTS = np.array([_WEIGHTS[name] for name in FEATURES])
SURE = 0.9  # the least confidence of a target that is called sure
