"""A run directory, its scheduler, and jobs in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "python"
sys.path[:0] = [str(PACKAGE), str(Path(__file__).parent)]

from peer import BOUND, Peer  # noqa: E402

LEARNERS = """
    import os
    import time
    from functools import partial
    import adaptive

    def h(x, offset=0):
        return x + 0.01**2 / (0.01**2 + (x - offset) ** 2)

    combos = adaptive.utils.named_product(offset=[0.0, 0.1, 0.2])
    learners = [adaptive.Learner1D(partial(h, **combo), bounds=(-1, 1)) for combo in combos]
    fnames = [f"data/{combo['offset']}" for combo in combos]
"""


#: How a job runs a script of the study's.
SCRIPT = ("-m", "adaptive_scheduler.script")


def pytest_configure(config: pytest.Config) -> None:
    words = "long: takes long and rarely fails; `npm run test:long` runs it"
    config.addinivalue_line("markers", words)


@pytest.fixture(autouse=True)
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    code = tmp_path / ".adaptive" / "code" / "r1"
    code.mkdir(parents=True)
    for name, value in {
        "ADAPTIVE_RUN_DIR": str(tmp_path),
        "ADAPTIVE_STATE_DIR": str(tmp_path / ".adaptive"),
        "ADAPTIVE_JOB_ID": "41_2",
        "ADAPTIVE_RESTART": "0",
        "ADAPTIVE_CLASS": "default",
        "ADAPTIVE_REVISION": "r1",
        "ADAPTIVE_LEARNERS_FILE": "_learners.py",
        "ADAPTIVE_SCRIPT": "run_learner.py",
        "PYTHONPATH": f"{code}:{PACKAGE}",
        "ADAPTIVE_CORES": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def peer(run_dir: Path) -> Iterator[Peer]:
    peer = Peer(run_dir)
    yield peer
    peer.close()


def launcher(ranks: int) -> list[str]:
    beside = Path(sys.executable).parent / "mpiexec"
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert mpiexec, "these tests need an MPI launcher"
    return [mpiexec, "-n", str(ranks)]


class Jobs:
    """Starts the processes of jobs."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.code = run_dir / ".adaptive" / "code" / "r1"
        self.started: list[subprocess.Popen[str]] = []

    def write(self, name: str = "_learners.py", text: str = LEARNERS) -> Path:
        """Write a file of the revision; gives where it is in the study, as errors name it."""
        path = self.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return self.run_dir / name

    def start(self, *arguments: str, ranks: int = 0) -> subprocess.Popen[str]:
        futures = ["-m", "mpi4py.futures"] if ranks else []
        job = subprocess.Popen(
            [*(launcher(ranks) if ranks else []), sys.executable, *futures, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ),
        )
        self.started.append(job)
        return job


def ended(job: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a job; gives its exit code and output."""
    output, _ = job.communicate(timeout=BOUND)
    return job.returncode, output


@pytest.fixture
def jobs(run_dir: Path) -> Iterator[Jobs]:
    jobs = Jobs(run_dir)
    yield jobs
    for job in jobs.started:
        if job.poll() is None:
            job.kill()
            job.wait()
