from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

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
