from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adaptive
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
BALANCING = """import adaptive
learners = [adaptive.BalancingLearner([adaptive.Learner1D(abs, (-1, 1)) for _ in range(2)])]
"""
MADE = """import adaptive
combos = [{'a': i} for i in range(100)]
def fname(combo):
    return f"data/{combo['a']}"
def make_learner(combo):
    return adaptive.Learner1D(abs, (-1, 1))
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
    path = jobs.write(
        text=GOOD + "\n    import os, sys; os.write(1, b'deeply'); sys.stdout.close()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "adaptive_scheduler.inspect", str(jobs.code / path.name)],
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
        [sys.executable, "-m", "adaptive_scheduler.inspect", str(jobs.code / path.name)],
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
        ("x = 1\nraise KeyboardInterrupt\n", "learners-file-raised", 2, "KeyboardInterrupt"),
        ("import kwant_of_nobody\n", "module-missing", 1, "kwant_of_nobody"),
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
        (LEARNER + "fnames = ['a', 'x/../../b']\n", "bad-fname", 3, "run directory"),
        (LEARNER + "fnames = ['a', 'taken/b']\n", "bad-fname", 3, "lies in taken, which is a file"),
        (
            LEARNER + "fnames = ['a', 'gone/x/b']\n",
            "bad-fname",
            3,
            "gone, which is a link to nowhere",
        ),
        (LEARNER + "fnames = ['a', ['b']]\n", "bad-fname", 3, "fnames[1] is a list"),
        (LEARNER + "fnames = ['a', 'b']\ngoal = 100\n", "bad-goal", 4, "`goal` is 100"),
        (LEARNER + "fnames = ['a', 'b']\ngoal = 0.1\n", "bad-goal", 4, "`goal` is 0.1"),
        (LEARNER + "fnames = ['a', 'b']\ngoal = 'npoints=9'\n", "bad-goal", 4, "'npoints=9'"),
        (LEARNER + "fnames = ['a', 'b']\ndef goal(): ...\n", "bad-goal", 4, "`goal()` cannot"),
        (LEARNER + "fnames = 'ab'\n", "no-fnames", 3, "`fnames` is a str, not a list."),
        (LEARNER + "fnames = {'a', 'b'}\n", "no-fnames", 3, "is a set, not a list, and has"),
        (LEARNER + "fnames = {'a': 1, 'b': 2}\n", "no-fnames", 3, "`fnames` is a dict"),
        (
            LEARNER + "fnames = ['a', 'b']\ncombos = {'a': [1, 2]}\n",
            "no-combos",
            4,
            "`combos` is a dict",
        ),
        (LEARNER + "learners = learners[0]\n", "no-learners", 3, "`learners` is a Learner1D"),
        (
            LEARNER + "fnames = (1 / i for i in range(2))\n",
            "learners-file-raised",
            3,
            "ZeroDivisionError",
        ),
        (LEARNER + "fnames = ['a', '~/b']\n", "bad-fname", 3, f"is {Path.home()}/b, which is not"),
        (LEARNER + "fnames = ['a', '~no-user/b']\n", "bad-fname", 3, "no such user"),
        (BALANCING + "fnames = ['a']\n", "bad-fname", 3, "needs a list of 2"),
        (BALANCING + "fnames = [['a']]\n", "bad-fname", 3, "has 1 name"),
        (LEARNER + "def make_learner(combo): ...\n", "two-forms", 3, "both"),
        (MADE.replace("combos =", "others ="), "no-combos", None, "`combos`"),
        (MADE.replace("def fname", "def name"), "no-fname", None, "`fname` is missing"),
        (MADE.replace("make_learner(combo)", "make_learner()"), "bad-make-learner", 5, "one combo"),
        (MADE.replace("fname(combo)", "fname(a, b)"), "bad-fname", 3, "one combo"),
        (MADE.replace("return f", "return 1 #"), "bad-fname", 3, "fname(combos[0]) = 1 is not a s"),
        (MADE.replace("{combo['a']}", "same"), "bad-fname", 3, "is also fname(combos[0])"),
        (MADE.replace("['a']}", "['b']}"), "fname-raised", 4, "fname(combos[0]) raised KeyError"),
        (MADE.replace("return adaptive", "adaptive"), "not-a-learner", 5, "returned None"),
        (MADE.replace("(-1, 1)", "1 / 0"), "make-learner-raised", 6, "ZeroDivisionError"),
    ],
)
def test_a_fault_is_named_with_its_place(
    text: str, code: str, line: int | None, words: str
) -> None:
    Path("taken").write_text("")
    Path("gone").symlink_to("nowhere")
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(text)
    error = raised.value
    assert (error.code, error.file, error.line) == (code, "_learners.py", line)
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize(
    "text",
    [
        "fnames = map(str.lower, 'AB')\n",
        "fnames = (letter for letter in 'ab')\n",
        "import numpy\nfnames = numpy.array(['a', 'b'])\n",
        "import pandas\nfnames = pandas.Series(['a', 'b'])\n",
        "fnames = {'a': 1, 'b': 2}.keys()\n",
        "fnames = ('a', 'b')\nlearners = iter(learners)\n",
        "fnames = ['a', 'b']\nimport numpy\nlearners = numpy.array(learners)\n",
    ],
)
def test_what_can_only_mean_a_list_is_one(text: str) -> None:
    for combos in [
        "combos = ({'x': i} for i in range(2))\n",
        "import pandas\ncombos = pandas.DataFrame({'x': range(2)})\n",
    ]:
        learners = inspect_text(LEARNER + text + combos)["learners"]
        assert [learner["fname"] for learner in learners] == ["a", "b"]
        assert [learner["combo"] for learner in learners] == [{"x": 0}, {"x": 1}]
        sys.modules.pop("_learners")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("adaptive_stats_of_nobody", None),
        ("wave", "import wave\nwave.open\n"),
        ("wave", "from wave import open\n"),
    ],
)
def test_a_file_that_hides_a_module_is_named(name: str, text: str | None) -> None:
    Path(f"{name}.py").write_text("value = 1\n")
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(text or f"import {name}\n{name}.nothing\n")
    sys.modules.pop(name)
    hides = f"Rename {Path(f'{name}.py').resolve()}: it hides the module"
    # What nobody else has is the study's own mistake.
    assert raised.value.hint.startswith(hides) == (text is not None)


def test_a_name_that_is_nearly_right_is_named() -> None:
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(LEARNER + "fname = ['a', 'b']\n")
    assert "It has `fname`: is that meant?" in raised.value.hint


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
    install = f"{sys.executable} -m pip install adaptive pyzmq cloudpickle"
    assert raised.value.hint == install


def test_a_file_that_hides_what_jobs_need_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("zmq.py").write_text("")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(sys.modules, "zmq")
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(GOOD)
    assert raised.value.message == f"{Path.cwd()}/zmq.py hides the package zmq, which jobs need."


def test_an_mpi4py_without_a_library_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert inspect_text(GOOD)["noMpi"] is None
    monkeypatch.setenv("MPI4PY_LIBMPI", "/no/such/library")
    assert inspect_text(GOOD)["noMpi"] == {
        "why": f"mpi4py of {sys.executable} finds no MPI library",
        "hint": f"{sys.executable} -m pip install mpich",
    }


def test_imports_nothing_before_the_packages_are_checked() -> None:
    program = (
        "import sys, adaptive_scheduler.inspect\n"
        "assert not {'adaptive', 'numpy', 'zmq', 'mpi4py', 'cloudpickle'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_of_functions_only_the_first_learner_is_made() -> None:
    result = inspect_text(
        MADE.replace("    return adaptive", "    assert combo['a'] == 0\n    return adaptive")
    )
    assert len(result["learners"]) == 100
    first, *others = result["learners"]
    assert first == {"fname": "data/0", "combo": {"a": 0}, "type": "Learner1D", "bounds": [[-1, 1]]}
    assert {(other["type"], other["bounds"]) for other in others} == {("Learner1D", None)}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.int32(3), 3),
        (np.bool_(True), True),
        (np.str_("é"), "é"),
        ((1, "a \"quoted\" 'text'"), [1, "a \"quoted\" 'text'"]),
        ({1: {"a": None}}, {"1": {"a": None}}),
        (math.inf, {"$repr": "inf"}),
        (2**53 + 1, {"$repr": "9007199254740993"}),
        (np.array([1.0, 2.0]), {"$repr": "array([1., 2.])"}),
        (1 + 2j, {"$repr": "(1+2j)"}),
        (b"x", {"$repr": "b'x'"}),
        ({i: i for i in range(50)}, {str(i): i for i in range(50)}),
    ],
)
def test_parameters_are_shown_as_json(value: object, shown: object) -> None:
    assert inspection.plain(value) == shown
    json.dumps(inspection.plain(value), allow_nan=False)


def test_an_address_a_failing_repr_and_a_circle_do_no_harm() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise ValueError

    circle: list[object] = []
    circle.append(circle)
    assert inspection.plain(lambda: 0)["$repr"].endswith(".<lambda>>")
    assert inspection.plain(Odd()) == {"$repr": "<Odd>"}
    json.dumps(inspection.plain(circle))
    assert len(inspection.plain(b"x" * 10_000)["$repr"]) == inspection.MAX_REPR


@pytest.mark.parametrize(
    ("fault", "words"),
    [("fnames[77_777] = 'data/3'", "fnames[77777] = 'data/3' is also fnames[3]"),
     ("fnames[99_999] = 7", "fnames[99999] = 7 is not a string")],
)  # fmt: skip
def test_one_bad_name_of_100_000_is_found_soon(fault: str, words: str) -> None:
    text = f"""
        import adaptive
        one = adaptive.Learner1D(abs, (-1, 1))
        learners = [one] * 100_000
        fnames = [f"data/{{i}}" for i in range(100_000)]
        {fault}
    """
    with pytest.raises(LearnersFileError) as raised:
        inspect_text(text)
    assert words in raised.value.message
    assert raised.value.line == 5


def test_lists_that_are_slow_to_build_come_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MAX_SECONDS", 0.0)
    (warning,) = inspect_text(LEARNER + "fnames = ['a', 'b']\n")["warnings"]
    assert "`make_learner(combo)`" in warning
    assert " MB" in warning
    assert inspect_text(MADE)["warnings"] == []


def test_sequences_in_a_balancing_learner_come_with_a_warning() -> None:
    text = BALANCING.replace("Learner1D(abs, (-1, 1))", "SequenceLearner(abs, [1, 2])")
    (warning,) = inspect_text(text + "fnames = [['a', 'b']]\n")["warnings"]
    assert "SequenceLearners" in warning


def test_a_learner2d_that_cannot_run_here_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "import adaptive\nlearners = [adaptive.Learner2D(sum, [(-1, 1)] * 2)]\nfnames = ['a']\n"
    assert inspect_text(text)["learners"][0]["type"] == "Learner2D"

    def ask(self: object, n: int) -> None:
        raise AttributeError("scipy.interpolate.interpnd has no attribute estimate_gradients")

    monkeypatch.setattr(adaptive.Learner2D, "ask", ask)
    with pytest.raises(LearnersFileError, match=r"_learners.py:2: A Learner2D fails with adaptive"):
        inspect_text(text)
