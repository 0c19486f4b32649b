"""One learner of each kind that adaptive has, each on a function that suits it."""

import math
import random
from functools import partial

import adaptive


def resonance(x, width=0.02):
    """Height of a narrow resonance on a slope."""
    return x + width**2 / (width**2 + (x - 0.3) ** 2)


def spiral(t):
    """Point in the plane: a vector-valued function."""
    return (t * math.cos(12 * t), t * math.sin(12 * t))


def ring(xy):
    """A ring in the plane."""
    x, y = xy
    return x + math.exp(-((x**2 + y**2 - 0.75**2) ** 2) / 0.2**4)


def sphere(xyz):
    """A shell in space."""
    x, y, z = xyz
    return math.exp(-((x**2 + y**2 + z**2 - 0.5) ** 2) / 0.05)


def coin(seed):
    """One sample of a noisy quantity."""
    return random.Random(seed).gauss(0.5, 0.1)


def noisy_resonance(seed_x):
    """One sample of a noisy function."""
    _, x = seed_x
    return resonance(x, 0.1) + random.Random(repr(seed_x)).gauss(0, 0.1)


def collatz(n):
    """How many steps the Collatz sequence of n takes to 1."""
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def damped(x, rate):
    """A damped oscillation."""
    return math.exp(-rate * x) * math.cos(10 * x)


def with_residual(x):
    """A value and what else the calculation gave, which a DataSaver keeps."""
    value = resonance(x)
    return {"value": value, "residual": abs(value - x)}


def value_of(result):
    """What the learner looks at."""
    return result["value"]


one_dimension = {"bounds": (-1, 1)}
plane = {"bounds": [(-1, 1), (-1, 1)]}
space = {"bounds": [(-1, 1), (-1, 1), (-1, 1)]}
rates = [0.5, 1.0, 2.0, 4.0]

learners_by_kind = {
    "curve": adaptive.Learner1D(resonance, **one_dimension),
    "vector": adaptive.Learner1D(spiral, bounds=(0, 1)),
    "surface": adaptive.Learner2D(ring, **plane),
    "space": adaptive.LearnerND(sphere, **space),
    "average": adaptive.AverageLearner(coin, atol=0.001),
    "averaged curve": adaptive.AverageLearner1D(noisy_resonance, **one_dimension),
    "integral": adaptive.IntegratorLearner(resonance, bounds=(-1, 1), tol=1e-8),
    "sequence": adaptive.SequenceLearner(collatz, sequence=range(1, 101)),
    "several": adaptive.BalancingLearner(
        [
            adaptive.Learner1D(partial(damped, rate=rate), bounds=(0, 3))
            for rate in rates
        ]
    ),
    "with extra data": adaptive.DataSaver(
        adaptive.Learner1D(with_residual, **one_dimension), arg_picker=value_of
    ),
}

combos = [{"kind": kind} for kind in learners_by_kind]
learners = list(learners_by_kind.values())
fnames = [
    [f"data/{kind}/rate={rate}.pickle" for rate in rates]
    if kind == "several"
    else f"data/{kind}.pickle"
    for kind in learners_by_kind
]


def goal(learner):
    """Whether a learner is done, as fits its kind."""
    if hasattr(
        learner, "done"
    ):  # a sequence at its end, an integral within its tolerance
        return learner.done()
    if isinstance(learner, adaptive.BalancingLearner):
        return all(child.npoints >= 100 for child in learner.learners)
    if isinstance(learner, adaptive.AverageLearner1D):
        return learner.nsamples >= 1000
    return learner.npoints >= 400
