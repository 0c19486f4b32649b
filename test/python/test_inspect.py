from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adaptive_scheduler import inspect as inspection
from adaptive_scheduler.learners_file import LearnersFileError
from conftest import Jobs

GOOD = """
    import adaptive
    import numpy as np
    print("the file speaks")
    combos = [{"a": np.float64(0.5), "b": 1}, {"a": float("nan"), "b": [abs, "x"]}]
    learners = [adaptive.Learner1D(abs, (-1, 1)), adaptive.BalancingLearner(
        [adaptive.Learner1D(abs, (-1, 1)), adaptive.Learner1D(abs, (-1, 1))])]
    fnames = ["data//one", ["data/two", "./data/three"]]
"""
LEARNER = "import adaptive\nlearners = [adaptive.Learner1D(abs, (-1, 1)) for _ in range(2)]\n"


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("_learners", None)


def inspect_text(text: str) -> dict[str, Any]:
    path = Path("_learners.py")
    path.write_text(textwrap.dedent(text))
    return inspection.inspect(path)


def test_prints_one_object_whatever_the_file_prints(jobs: Jobs) -> None:
    path = jobs.write(text=GOOD + "\n    import os; os.write(1, b'deeply')\n")
    ran = subprocess.run(
        [sys.executable, "-m", "adaptive_scheduler.inspect", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(ran.stdout)
    assert "the file speaks" in ran.stderr
    assert "deeply" in ran.stderr
    assert result["learners"] == [
        {
            "fname": "data/one",
            "combo": {"a": 0.5, "b": 1},
            "type": "Learner1D",
            "bounds": [[-1, 1]],
        },
        {
            "fname": ["data/two", "data/three"],
            "combo": {"a": {"$repr": "nan"}, "b": [{"$repr": repr(abs)}, "x"]},
            "type": "BalancingLearner(Learner1D)",
            "bounds": [[-1, 1]],
        },
    ]
    assert result["versions"]["numpy"] == np.__version__
    assert set(result["versions"]) == {"python", "adaptive", "numpy", "mpi4py", "pyzmq"}
    assert result["seconds"] >= 0
    assert result["megabytes"] >= 0
    assert result["warnings"] == []


def test_an_error_is_printed_with_exit_code_2(jobs: Jobs) -> None:
    path = jobs.write(text="fnames = []\n")
    ran = subprocess.run(
        [sys.executable, "-m", "adaptive_scheduler.inspect", str(path)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    error = json.loads(ran.stdout)["error"]
    assert (error["code"], error["file"]) == ("no-learners", str(path))
    assert "line" not in error


def test_combos_may_be_absent() -> None:
    result = inspect_text(LEARNER + "fnames = ['a', 'b']\n")
    assert [learner["combo"] for learner in result["learners"]] == [{}, {}]


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("x = 1\ny = 1 / 0\n", "learners-file-raised", 2, "ZeroDivisionError: division by zero"),
        ("raise SystemExit('no')\n", "learners-file-raised", 1, "SystemExit: no"),
        ("import kwant_of_nobody\n", "learners-file-raised", 1, "kwant_of_nobody"),
        ("x = 1\ny = (\n", "learners-file-syntax", 2, "SyntaxError"),
        ("fnames = []\n", "no-learners", None, "`learners`"),
        (LEARNER, "no-fnames", None, "`fnames`"),
        (LEARNER + "fnames = ['a']\n", "different-lengths", 3, "2 `learners`, but 1 `fnames`"),
        (LEARNER + "fnames = ['a', 'b']\ncombos = [{}]\n", "different-lengths", 4, "1 `combos`"),
        (LEARNER + "fnames = ['a', 'b']\ncombos = [{}, 3]\n", "bad-combo", 4, "combos[1] is 3"),
        ("learners = []\nfnames = []\n", "no-learners", 1, "is empty"),
        ("learners = [abs]\nfnames = ['a']\n", "not-a-learner", 1, "learners[0]"),
        (LEARNER + "fnames = ['a', '']\n", "bad-fname", 3, "is empty"),
        (LEARNER + "fnames = ['a', 3]\n", "bad-fname", 3, "not a string"),
        (LEARNER + "fnames = ['a', []]\n", "bad-fname", 3, "not a string"),
        (LEARNER + "fnames = ['a', './a']\n", "bad-fname", 3, "is also fnames[0]"),
        (LEARNER + "fnames = ['a', ['b', 'x/../a']]\n", "bad-fname", 3, "is also fnames[0]"),
        (LEARNER + "fnames = ['a', 'b\\n']\n", "bad-fname", 3, "newline"),
        (LEARNER + "fnames = ['a', 'b\\0']\n", "bad-fname", 3, "NUL"),
        (LEARNER + "fnames = ['a', 'é' * 101]\n", "bad-fname", 3, "200 bytes"),
        (LEARNER + "fnames = ['a', '../b']\n", "bad-fname", 3, "run directory"),
        (LEARNER + "fnames = ['a', '/b']\n", "bad-fname", 3, "run directory"),
    ],
)
def test_a_fault_is_named_with_its_place(
    text: str, code: str, line: int | None, words: str
) -> None:
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(text)
    error = raised.value
    assert (error.code, error.file, error.line) == (code, "_learners.py", line)
    assert words in error.message
    assert error.hint


def test_an_error_in_an_imported_file_names_that_file() -> None:
    Path("parameters_of_test.py").write_text("\nraise ValueError('odd')\n")
    with pytest.raises(LearnersFileError) as raised:
        inspect_text("import parameters_of_test\n")
    assert (raised.value.file, raised.value.line) == (
        str(Path("parameters_of_test.py").resolve()),
        2,
    )


def test_missing_packages_come_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    absent = {"adaptive", "zmq"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else find(name)
    )
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(GOOD)
    assert raised.value.code == "missing-packages"
    assert raised.value.message == f"{sys.executable} has no adaptive, pyzmq."
    install = f"{sys.executable} -m pip install adaptive mpi4py pyzmq cloudpickle"
    assert raised.value.hint == install


def test_imports_nothing_before_the_packages_are_checked() -> None:
    program = (
        "import sys, adaptive_scheduler.inspect\n"
        "assert not {'adaptive', 'numpy', 'zmq', 'mpi4py', 'cloudpickle'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
