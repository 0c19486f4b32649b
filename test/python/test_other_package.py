"""PyPI's adaptive_scheduler beside ours: the real one, in a folder behind ours on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PACKAGE

#: It, and what its modules import that our environment does not have.
PACKAGES = ["adaptive-scheduler==2.17.2", "toolz", "rich", "tqdm", "structlog", "markdown-it-py"]
MORE = ["mdurl", "pygments"]


@pytest.fixture(scope="session")
def installed() -> Path:
    """Install it once, where the environment of the tests does not see it."""
    target = Path(sys.prefix) / "pypi-adaptive-scheduler"
    if not (target / "adaptive_scheduler").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", str(target), *PACKAGES, *MORE], check=True)
    return target


def ran(installed: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{PACKAGE}:{installed}"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "program",
    [
        "from adaptive_scheduler.utils import smart_goal",
        "import adaptive_scheduler; adaptive_scheduler.utils.smart_goal",
        "from adaptive_scheduler.scheduler import SLURM; SLURM.submit_cmd",
        "from adaptive_scheduler import client_support, run; client_support.get_learner, run.main",
        "import adaptive_scheduler; assert not hasattr(adaptive_scheduler, 'nothing')",
    ],
)
def test_both_are_importable(installed: Path, program: str) -> None:
    done = ran(installed, program)
    assert done.returncode == 0, done.stderr


def test_client_support_is_ours(installed: Path) -> None:
    program = "from adaptive_scheduler import client_support; print(client_support.__file__)"
    assert ran(installed, program).stdout.startswith(str(PACKAGE))


def test_what_it_exports_is_looked_for_in_it(tmp_path: Path) -> None:
    other = tmp_path / "site" / "adaptive_scheduler"
    other.mkdir(parents=True)
    (other / "_deep.py").write_text("def slurm_run(): return 'theirs'\n")
    (other / "__init__.py").write_text("print('run')\nfrom ._deep import slurm_run\n")
    done = ran(
        other.parent,
        "import adaptive_scheduler; hasattr(adaptive_scheduler, 'no'); print('not yet')\n"
        "from adaptive_scheduler import slurm_run; print(slurm_run())",
    )
    assert done.stdout.split() == ["not", "yet", "run", "theirs"]
