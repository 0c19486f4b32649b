"""Current through a quantum dot with a second dot at its side.

An electron gets through when its energy is near the level of the first dot: a broad resonance.
Where the second dot has its level, the two ways through cancel and nothing gets through, and
just beside it everything may: a feature that is the sharper the weaker the dots are coupled,
until, strongly coupled, the resonance splits in two. On a grid the sharp ones would be missed;
a learner finds them and puts its points there.
"""

import time
from functools import partial

import adaptive

SECONDS_PER_POINT = 0.01  # a real one would solve a large system of equations


def transmission(energy, offset, coupling, width=0.3):
    """Probability that an electron of this energy gets through; the levels are at ± offset."""
    time.sleep(SECONDS_PER_POINT)
    leads = 0.5j * width
    second_dot = coupling**2 / (energy + offset + 1e-6j)
    return abs(leads / (energy - offset + leads - second_dot)) ** 2


combos = adaptive.utils.named_product(
    offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3],
    coupling=[0.03, 0.06, 0.12, 0.24],
)
learners = [
    adaptive.Learner1D(partial(transmission, **combo), bounds=(-1, 1))
    for combo in combos
]
fnames = [f"data/offset={c['offset']}_coupling={c['coupling']}.pickle" for c in combos]
