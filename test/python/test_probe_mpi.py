from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from adaptive_scheduler import packages
from conftest import launcher

PROBE = [sys.executable, "-m", "adaptive_scheduler.probe_mpi"]


@pytest.mark.parametrize("ranks", [2, 3])
def test_rank_0_tells_how_many_found_each_other(ranks: int) -> None:
    done = subprocess.run([*launcher(ranks), *PROBE], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert (told["world"], told["host"]) == (ranks, socket.gethostname())
    assert "MPI" in told["mpi"]


def test_processes_that_do_not_find_each_other_are_worlds_of_their_own() -> None:
    done = subprocess.run(PROBE, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["world"] == 1


def test_a_python_without_mpi_says_so() -> None:
    program = (
        "import sys; sys.modules['mpi4py'] = None\n"
        "from adaptive_scheduler import probe_mpi; sys.exit(probe_mpi.main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "has no MPI: ModuleNotFoundError" in json.loads(done.stdout)["error"]


def test_a_job_that_goes_without_mpi_says_why_and_on_how_many_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    why = packages.of_job_without_mpi.__wrapped__
    assert why() is None
    monkeypatch.setenv("ADAPTIVE_WITHOUT_MPI", "1")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    none_fits = why()
    assert none_fits["nodes"] == 2
    assert f"no MPI launcher joins two processes of {sys.executable} on " in none_fits["why"]
    monkeypatch.setenv("MPI4PY_LIBMPI", "/no/such/library")
    assert "finds no MPI library" in why()["why"]
