"""The job that this process runs in, as its environment tells."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adaptive_scheduler.deadline import Deadline

#: Nothing left to run, or too late: the job script starts no further step.
NOTHING_LEFT = 75
#: Ended by SIGTERM, as a shell counts it.
TERMINATED = 143

#: Exit code of a process that ends before its learner does, by why.
EXIT_CODES = {"stopped": 0, "terminated": TERMINATED, "deadline": NOTHING_LEFT}

#: Slurm's last: under an mpiexec in a batch job it numbers the nodes, and not the ranks.
RANK_VARIABLES = (
    "PMIX_RANK",
    "PMI_RANK",
    "OMPI_COMM_WORLD_RANK",
    "PALS_RANKID",
    "SLURM_PROCID",
)
RESTART_VARIABLES = ("ADAPTIVE_RESTART", "SLURM_RESTART_COUNT")


@dataclass(frozen=True)
class Job:
    """A job of a run.

    Attributes
    ----------
    run_dir, state_dir
        The run directory, and the scheduler's own folder in it; absolute.
    id, restart
        The queue's id of the job, and how often the queue restarted it.
    resource_class, revision
        What the job was submitted for, and the code that it runs.
    deadline
        The end of its walltime; None when it has none.
    """

    run_dir: Path
    state_dir: Path
    id: str
    restart: int
    resource_class: str
    revision: str
    deadline: Deadline | None = None

    @property
    def code_dir(self) -> Path:
        """The revision of the study's code that this job runs."""
        return self.state_dir / "code" / self.revision

    @classmethod
    def from_environment(cls) -> Job:
        """Read the job from the environment.

        Raises
        ------
        RuntimeError
            Outside of a job, or in a worker process of one.
        """
        if "ADAPTIVE_RUN_DIR" not in os.environ:
            raise RuntimeError(
                "This is not a job of Adaptive Scheduler (ADAPTIVE_RUN_DIR is not set), so there "
                "is no scheduler to ask for a learner. Start the jobs with 'Adaptive: Start Jobs'."
            )
        if rank() > 0:
            raise RuntimeError(
                f"Rank {rank()} of the job asked for a learner; only rank 0 may. Put the code "
                "below `if __name__ == '__main__':`, start the script with "
                "`python -m mpi4py.futures`, and check that the launcher's --mpi fits the MPI "
                "library: with another one every process takes itself for rank 0."
            )
        return cls(
            run_dir=Path(os.environ["ADAPTIVE_RUN_DIR"]),
            state_dir=Path(_variable("ADAPTIVE_STATE_DIR")),
            id=_variable("ADAPTIVE_JOB_ID"),
            restart=_first_number(RESTART_VARIABLES),
            resource_class=_variable("ADAPTIVE_CLASS"),
            revision=_variable("ADAPTIVE_REVISION"),
            deadline=_deadline(),
        )


def rank() -> int:
    """Rank of this process as the launcher tells it; 0 without a launcher."""
    return _first_number(RANK_VARIABLES)


def log(text: str) -> None:
    """Print a line with the time of day to the job's output."""
    # The output is a file: unflushed lines are lost when a process ends at once.
    print(time.strftime("%H:%M:%S"), text, flush=True, file=sys.stdout)


def _first_number(names: Sequence[str]) -> int:
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdigit()), 0)


def _deadline() -> Deadline | None:
    if not os.environ.get("ADAPTIVE_DEADLINE"):
        return None
    walltime = float(_variable("ADAPTIVE_WALLTIME_SECONDS"))
    return Deadline(float(_variable("ADAPTIVE_DEADLINE")), walltime)


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set, although ADAPTIVE_RUN_DIR is: not a whole job.")
    return value
