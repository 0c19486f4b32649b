"""A first study: one function of x, explored for six values of its parameter.

Adaptive: Start Jobs runs each learner below as a job on this computer, and draws its curve as it
grows. Then put your own function here: that is all a study needs.
"""

from functools import partial

import adaptive


# Your function: the first argument is what the learner varies, the others are parameters.
def peak(x, offset, width):
    return x + width**2 / (width**2 + (x - offset) ** 2)


# One learner for each combination of parameters, here 3 * 2.
combos = adaptive.utils.named_product(offset=[-0.5, 0.0, 0.5], width=[0.01, 0.1])

# A learner chooses the next x by itself, between these bounds; any learner of adaptive will do.
learners = [
    adaptive.Learner1D(partial(peak, **combo), bounds=(-1, 1)) for combo in combos
]

# Where each learner keeps its data: learner.load(fname) reads it anywhere.
fnames = [f"data/offset={c['offset']}_width={c['width']}.pickle" for c in combos]

# When a learner is done, and what its job gets, is said in adaptive.json.
