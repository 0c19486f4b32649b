"""A study's code runs from a revision and is seen in the study, by whatever way one asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import SCRIPT, Jobs, ended
from peer import Peer
from test_client_support import FIRST_VERSION
from test_run import RUN, points

#: What a study's files may be asked for their place, and what it is.
PLACES = """
    import importlib, importlib.resources, inspect, os, sys, types
    from pathlib import Path
    import helper, parts.deep

    def places():
        import late
        return {
            "__file__": Path(__file__).parent,
            "its spec": Path(__spec__.origin).parent,
            "its loader": Path(__loader__.get_filename()).parent,
            "its code": Path((lambda: 0).__code__.co_filename).parent,
            "a neighbour": Path(helper.__file__).parent,
            "a neighbour's spec": Path(importlib.util.find_spec("helper").origin).parent,
            "a neighbour in sys.modules": Path(sys.modules["helper"].__file__).parent,
            "inspect": Path(inspect.getfile(helper.g)).parent,
            "a late import": Path(late.__file__).parent,
            "a package": Path(parts.__path__[0]).parent,
            "a package's module": Path(parts.deep.__file__).parent.parent,
            "a folder": Path(list(importlib.import_module("bare").__path__)[0]).parent,
            "resources": Path(str(importlib.resources.files("parts"))).parent,
            "sys.path": Path(sys.path[0]),
            "PYTHONPATH": Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]),
            "the working directory": Path(os.getcwd()),
        }
"""

STUDY = (
    PLACES
    + """
    import adaptive
    HERE = Path(__file__).resolve().parent
    def f(x):
        import late
        (HERE / f"seen-by-{os.getpid()}").write_text(f"{late.__file__} {helper.g(0)}")
        return helper.g(x)
    (HERE / "places.txt").write_text(repr({name: str(path) for name, path in places().items()}))
    combos = [{}]
    learners = [adaptive.Learner1D(f, (-1, 1))]
    fnames = [str(HERE / "data" / "one.pickle")]
"""
)


@pytest.fixture(autouse=True)
def study(jobs: Jobs) -> None:
    jobs.write(text=STUDY)
    jobs.write("helper.py", "def g(x):\n    return x\n")
    jobs.write("late.py", "")
    jobs.write("parts/__init__.py", "")
    jobs.write("parts/deep.py", "")
    jobs.write("bare/module.py", "")
    # The study itself was edited since: none of this is run.
    for name in ("_learners.py", "helper.py", "late.py", "parts/__init__.py", "parts/deep.py"):
        path = jobs.run_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('this is not the revision')\n")


def seen(run_dir: Path) -> dict[str, str]:
    found: dict[str, str] = eval((run_dir / "places.txt").read_text())
    return found


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("executor", "ranks"), [("auto", 2), ("process-pool", 0), ("loky", 0)], ids=str
)
def test_a_job_sees_its_code_in_the_study_and_saves_there(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, executor: str, ranks: int
) -> None:
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", executor)
    before = files_in(jobs.code)
    peer.give(0, "data/one.pickle", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    assert peer.types() == ["start", "done", "start"], output
    assert set(seen(jobs.run_dir).values()) == {str(jobs.run_dir)}
    assert points(Path("data/one.pickle")) >= 5
    # Whatever evaluates points sees the same.
    texts = {path.read_text() for path in Path().glob("seen-by-*")}
    assert texts == {f"{jobs.run_dir / 'late.py'} 0"}
    assert files_in(jobs.code) == before


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_script_sees_itself_in_the_study(peer: Peer, jobs: Jobs, ranks: int) -> None:
    text = FIRST_VERSION.replace(
        'if __name__ == "__main__":',
        """
import os, sys
from pathlib import Path
def where(_=None):
    return [__file__, sys.argv[0], __spec__.origin]
if __name__ == "__main__":
    found = [*where(), sys.path[0] + "/run_learner.py"]
    Path(__file__).with_name("script.txt").write_text(repr(found))
""",
    )
    if ranks == 0:
        text = text.replace("MPIPoolExecutor()", "None").replace("shutdown_executor=True,", "")
    jobs.write("run_learner.py", text)
    (jobs.run_dir / "run_learner.py").write_text("raise RuntimeError('not the revision')\n")
    before = files_in(jobs.code)
    peer.give(0, "data/one.pickle", goal={"npoints": 5})
    code, output = ended(jobs.start(*SCRIPT, ranks=ranks))
    assert code == 0, output
    assert set(eval(Path("script.txt").read_text())) == {str(jobs.run_dir / "run_learner.py")}
    assert set(seen(jobs.run_dir).values()) == {str(jobs.run_dir)}
    assert points(Path("data/one.pickle")) >= 5
    assert files_in(jobs.code) == before


def printed_by(*arguments: str) -> str:
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_inspect_gives_the_places_in_the_study(jobs: Jobs) -> None:
    found = printed_by("-m", "adaptive_scheduler.inspect", str(jobs.code / "_learners.py"))
    assert json.loads(found)["learners"][0]["fname"] == "data/one.pickle"
    assert set(seen(jobs.run_dir).values()) == {str(jobs.run_dir)}


def test_what_a_preview_unpickles_is_seen_in_the_study(jobs: Jobs) -> None:
    jobs.write("helper.py", "open(__file__ + '.was-here', 'w').close()\nclass Number(float): ...\n")
    program = """
import adaptive_scheduler, adaptive, helper
learner = adaptive.Learner1D(helper.Number, (-1, 1))
for x in (-1, 0, 1): learner.tell(x, helper.Number(x))
learner.save("data/one.pickle")
"""
    printed_by("-c", program)
    Path("helper.py.was-here").unlink()
    printed_by("-m", "adaptive_scheduler.preview", "data/one.pickle", "--type", "Learner1D")
    assert Path("helper.py.was-here").exists()
    assert not list(jobs.code.rglob("*.was-here"))


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_traceback_shows_the_lines_that_ran(peer: Peer, jobs: Jobs, ranks: int) -> None:
    jobs.write("helper.py", "# a comment\ndef g(x):\n    return 1 / 0  # as it was run\n")
    peer.give(0, "data/one.pickle", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    trace = peer.expect("failed")["traceback"]
    assert (
        f'File "{jobs.run_dir}/helper.py", line 3, in g\n    return 1 / 0  # as it was run' in trace
    )
    assert ".adaptive" not in trace


def test_a_file_that_no_revision_has_is_found_beside_the_study(peer: Peer, jobs: Jobs) -> None:
    (jobs.code / "helper.py").unlink()
    (jobs.run_dir / "elsewhere").mkdir()
    Path("elsewhere/real.py").write_text("def g(x):\n    return x\n")
    Path("helper.py").unlink()
    os.symlink("elsewhere/real.py", "helper.py")
    peer.give(0, "data/one.pickle", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN))
    assert (code, peer.types()) == (0, ["start", "done", "start"]), output


def test_code_behind_a_link_of_the_study_is_read_from_the_revision(jobs: Jobs) -> None:
    """Its folder lies elsewhere, and was edited since."""
    (jobs.run_dir / "parts").rename(jobs.run_dir.parent / f"{jobs.run_dir.name}-parts")
    os.symlink(jobs.run_dir.parent / f"{jobs.run_dir.name}-parts", "parts")
    printed_by("-m", "adaptive_scheduler.inspect", str(jobs.code / "_learners.py"))
    assert set(seen(jobs.run_dir).values()) == {str(jobs.run_dir)}


def test_a_path_in_the_state_folder_takes_no_data(peer: Peer, jobs: Jobs) -> None:
    """A study of an older version's run, whose name is not known until the job makes it."""
    jobs.write(text=STUDY.replace('HERE / "data"', 'HERE / ".adaptive" / "code" / "r1"'))
    peer.give(0, ".adaptive/code/r1/one.pickle", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN))
    assert code == 0, output
    assert "lies in .adaptive, where the scheduler" in peer.expect("failed")["error"]
    assert not list(jobs.code.rglob("*.pickle"))
