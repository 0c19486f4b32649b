"""PyPI's adaptive_scheduler beside ours: the real one, in a folder behind ours on the path."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adaptive_scheduler import other_package
from adaptive_scheduler.learners_file import LearnersFileError, load
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


def names_of(init: Path) -> set[str]:
    """Give what a person may import from PyPI's package."""
    exported = {
        alias.asname or alias.name
        for node in ast.parse(init.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    modules = {path.stem for path in init.parent.iterdir() if path.stem[:2] != "__"}
    ours = {path.stem for path in (PACKAGE / "adaptive_scheduler").iterdir()}
    return {name for name in exported | modules if name[:2] != "__"} - ours


@pytest.mark.parametrize(
    "statement",
    [
        "from adaptive_scheduler import {name}",
        "import adaptive_scheduler; adaptive_scheduler.{name}",
        "import adaptive_scheduler.{name}",
    ],
)
def test_without_it_each_of_its_names_says_so(installed: Path, statement: str) -> None:
    names = names_of(installed / "adaptive_scheduler" / "__init__.py")
    assert {"utils", "slurm_run", "SLURM"} <= names == other_package.NAMES
    for name in names:
        with pytest.raises((AttributeError, ImportError)) as raised:
            exec(statement.format(name=name), {})
        assert f"adaptive_scheduler.{name} is of PyPI's package" in str(raised.value)
        assert f"{sys.executable} -m pip install adaptive-scheduler" in str(raised.value)
    for other in ("nothing", "__path_of_nothing__"):
        with pytest.raises((AttributeError, ImportError)) as raised:
            exec(statement.format(name=other), {})
        assert "PyPI" not in str(raised.value)


def test_a_learners_file_that_needs_it_says_how_to_install_it(tmp_path: Path) -> None:
    file = tmp_path / "_needs_it.py"
    # As editors on Windows write it: with a byte order mark.
    text = "import adaptive_scheduler\nfnames = adaptive_scheduler.utils.combo2fname({})\n"
    file.write_text(text, encoding="utf-8-sig")
    with pytest.raises(LearnersFileError) as raised:
        load(file)
    assert "adaptive_scheduler.utils is of PyPI's package" in str(raised.value)
    assert str(raised.value).endswith("Then start again.")
    assert raised.value.line == 2
