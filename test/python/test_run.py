"""The default runner, in processes of its own and under a real MPI."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import adaptive
import pytest

from adaptive_scheduler import run
from adaptive_scheduler.door import Patience
from conftest import LEARNERS, Jobs, ended
from peer import Peer

RUN = ("-m", "adaptive_scheduler.run")

#: The first point hangs where `h` stands still; the ends of the domain are quick.
HANGING = LEARNERS.replace(
    "        return x +",
    """        if abs(x) != 1:
            open(f"hangs-{os.getpid()}", "w").close()
            time.sleep(600)
        return x +""",
)

#: Tells which ranks import the learners file, and how often.
COUNTED = """
    with open(f"imported-by-{os.environ.get('PMI_RANK', 0)}", "a") as file:
        file.write("x")
"""


def points(path: Path) -> int:
    learner = adaptive.Learner1D(abs, (-1, 1))
    learner.load(str(path))
    return int(learner.npoints)


@pytest.mark.parametrize("ranks", [0, 2])
def test_runs_learners_one_after_the_other(peer: Peer, jobs: Jobs, ranks: int) -> None:
    jobs.write(text=LEARNERS + COUNTED)
    peer.give(2, "data/0.2", goal={"npoints": 30})
    peer.give(0, "./data//0.0", goal={"loss": 0.1})
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    assert peer.types() == ["start", "done", "start", "done", "start"]
    done = [request for request in peer.seen if request["type"] == "done"]
    assert [d["learner"] for d in done] == [2, 0]
    assert done[0]["npoints"] >= 30
    assert done[1]["loss"] <= 0.1
    assert points(Path("data/0.2")) == done[0]["npoints"]
    assert list(Path().glob("imported-by-*")) == [Path("imported-by-0")]
    assert Path("imported-by-0").read_text() == "x"
    assert "learner 2 data/0.2: " in output


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_point_that_fails_fails_the_learner_and_the_next_one_runs(
    peer: Peer, jobs: Jobs, ranks: int
) -> None:
    jobs.write(text=LEARNERS.replace("return x +", "return 1 / 0 if offset == 0.1 else x +"))
    peer.give(1, "data/0.1", retries=2)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    assert peer.types() == ["start", "failed", "start", "done", "start"]
    failed = next(request for request in peer.seen if request["type"] == "failed")
    assert failed["error"].startswith("ZeroDivisionError: division by zero in h at x = ")
    trace = failed["traceback"].splitlines()
    assert trace[0] == "Traceback (most recent call last):"
    assert "_learners.py" in trace[1]
    assert trace[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("ranks", [0, 3])
def test_stop_now_saves_and_ends_without_waiting(peer: Peer, jobs: Jobs, ranks: int) -> None:
    jobs.write(text=HANGING)
    peer.give(0, "data/0.0")
    job = jobs.start(*RUN, ranks=ranks)
    peer.expect("report", lambda report: report["npoints"] == 2)
    peer.push(0, stop="now")
    assert peer.expect("released")["why"] == "stopped"
    code, output = ended(job)
    assert code == 0, output
    assert points(Path("data/0.0")) == 2
    assert peer.types() == ["start", "released"]


@pytest.mark.parametrize(
    ("number", "why", "exit_code"),
    [(signal.SIGTERM, "terminated", 143), (signal.SIGUSR1, "deadline", 75)],
)
@pytest.mark.parametrize("ranks", [0, 3])
def test_a_signal_of_the_queue_saves_and_gives_back(
    peer: Peer, jobs: Jobs, ranks: int, number: signal.Signals, why: str, exit_code: int
) -> None:
    text = HANGING + "\n    open('rank0', 'w').write(str(os.getpid()))\n"
    jobs.write(text=text)
    peer.give(0, "data/0.0")
    job = jobs.start(*RUN, ranks=ranks)
    peer.expect("report", lambda report: report["npoints"] == 2)
    os.kill(int(Path("rank0").read_text()), number)
    assert peer.expect("released")["why"] == why
    code, output = ended(job)
    assert code == exit_code, output
    assert points(Path("data/0.0")) == 2


#: The k-th evaluation that is not of an end of the domain waits for a file `go-k`.
TAKING_TURNS = LEARNERS.replace(
    "        return x +",
    """        if abs(x) != 1:
            turn = 0
            while True:
                try:
                    open(f"began-{turn}", "x").close()
                    break
                except FileExistsError:
                    turn += 1
            while not os.path.exists(f"go-{turn}"):
                time.sleep(0.01)
        return x +""",
)


def test_stop_gently_lets_running_evaluations_finish(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADAPTIVE_CORES", "2")
    jobs.write(text=TAKING_TURNS)
    peer.give(0, "data/0.0")
    job = jobs.start(*RUN)
    peer.expect("report", lambda report: report["npoints"] == 2)
    peer.push(0, stop="gently")
    peer.push(0, preview=True)
    # The preview proves that the worker has taken in the wish before it.
    peer.expect("report", lambda report: "preview" in report)
    Path("go-0").touch()
    peer.expect("report", lambda report: report["npoints"] == 3)
    for turn in range(1, 9):
        Path(f"go-{turn}").touch()
    released = peer.expect("released")
    assert (released["why"], released["npoints"]) == ("stopped", 4)
    assert ended(job)[0] == 0
    assert points(Path("data/0.0")) == 4
    assert sorted(Path().glob("began-*")) == [Path("began-0"), Path("began-1")]


@pytest.mark.parametrize("content", [b"not a data file", b"", b"cut off"])
def test_an_unreadable_file_is_kept_aside_and_reported(
    peer: Peer, jobs: Jobs, content: bytes
) -> None:
    jobs.write()
    if content == b"cut off":
        learner = adaptive.Learner1D(abs, (-1, 1))
        adaptive.runner.simple(learner, npoints_goal=50)
        learner.save("data/0.0")
        content = Path("data/0.0").read_bytes()[:-20]
    Path("data").mkdir(exist_ok=True)
    Path("data/0.0").write_bytes(content)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN))
    assert code == 0, output
    assert peer.types() == ["start", "done", "start"]
    assert Path("data/0.0.unreadable-1").read_bytes() == content
    assert points(Path("data/0.0")) >= 5
    remark = next(request for request in peer.seen if request["type"] == "remark")
    assert (remark["learner"], remark["epoch"]) == (0, 1)
    assert "was unreadable" in remark["text"]
    assert "kept as 0.0.unreadable-1" in remark["text"]


def test_data_that_needs_what_is_missing_is_neither_renamed_nor_overwritten(
    peer: Peer, jobs: Jobs
) -> None:
    jobs.write()
    Path("data").mkdir()
    content = b"cmodule_of_nobody\nthing\n."
    Path("data/0.0").write_bytes(content)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    assert ended(jobs.start(*RUN))[0] == 0
    assert "module_of_nobody" in peer.expect("failed")["error"]
    assert Path("data/0.0").read_bytes() == content


def test_a_resumed_learner_that_meets_its_goal_ends_at_once(peer: Peer, jobs: Jobs) -> None:
    jobs.write()
    for _ in range(2):
        peer.give(0, "data/0.0", goal={"npoints": 20})
        assert ended(jobs.start(*RUN))[0] == 0
    counts = [r["npoints"] for r in peer.seen if r["type"] == "done"]
    assert counts[0] == counts[1] >= 20


def test_a_fenced_worker_does_not_save_and_ends_with_75(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=HANGING)
    peer.give(0, "data/0.0", saveEverySeconds=0.05)
    job = jobs.start(*RUN)
    peer.expect("report", lambda report: report.get("saved") == 2)
    before = Path("data/0.0").read_bytes()
    peer.answers["report"] = lambda _: {"type": "fenced", "why": "job 42 has it"}
    peer.push(0, preview=True)
    code, output = ended(job)
    assert code == 75, output
    assert "job 42 has it" in output
    assert Path("data/0.0").read_bytes() == before


def test_a_broken_learners_file_is_named(peer: Peer, jobs: Jobs) -> None:
    path = jobs.write(text="learners = [1 / 0]\n")
    code, output = ended(jobs.start(*RUN))
    assert code == 1
    assert f"{path}:1: ZeroDivisionError: division by zero" in output
    assert peer.types() == []


def test_a_refusal_ends_the_job_with_its_reason(peer: Peer, jobs: Jobs) -> None:
    jobs.write()
    peer.answers["start"] = lambda _: {"type": "error", "code": "unknown-job", "message": "who?"}
    code, output = ended(jobs.start(*RUN))
    assert code == 1
    assert "(unknown-job): who? Its learner, if it had one, goes on in another job." in output
    assert "Traceback" not in output


KILLED = LEARNERS.replace(
    "        return x +",
    """        if abs(x) != 1:
            os.kill(os.getpid(), 9)
        return x +""",
)


@pytest.mark.parametrize("executor", ["process-pool", "loky"])
def test_a_process_that_is_killed_fails_its_learner_and_the_next_one_runs(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", executor)
    jobs.write(text=KILLED)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    peer.give(1, "data/0.1", goal={"npoints": 2})
    code, output = ended(jobs.start(*RUN))
    assert code == 0, output
    assert peer.types() == ["start", "failed", "start", "done", "start"]
    failed = next(request for request in peer.seen if request["type"] == "failed")
    assert failed["error"].startswith("a worker process was killed while evaluating h at x = ")
    assert points(Path("data/0.0")) == failed["npoints"] == 2


@pytest.mark.parametrize(("executor", "ranks"), [("process-pool", 0), ("loky", 0), ("auto", 2)])
def test_a_function_that_ends_its_process_fails_its_learner_with_its_line(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, executor: str, ranks: int
) -> None:
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", executor)
    leaves = "raise SystemExit('I give up') if offset == 0 else KeyboardInterrupt"
    goal = "\n    def goal(learner):\n        raise SystemExit('no goal')\n"
    jobs.write(
        text=LEARNERS.replace("return x +", f"if offset < 0.2: {leaves}\n        return x +") + goal
    )
    for index in (0, 1):
        peer.give(index, f"data/0.{index}", goal={"npoints": 5})
    peer.give(2, "data/0.2")
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    assert peer.types() == ["start", "failed", "start", "failed", "start", "failed", "start"]
    exit, interrupt, of_goal = [said for said in peer.seen if said["type"] == "failed"]
    assert exit["error"].startswith("SystemExit: I give up in h at x = ")
    trace = exit["traceback"].splitlines()
    assert "_learners.py" in trace[1]
    assert trace[-1] == "SystemExit: I give up"
    assert interrupt["error"].startswith("KeyboardInterrupt in h at x = ")
    assert of_goal["error"] == "the goal of the learners file raised: SystemExit: no goal"


#: What a class of errors may be: not to be found, not to be made from its text, without a text.
STRANGE = """
    class Plain(Exception):
        pass

    class TwoArguments(Exception):
        def __init__(self, one, other):
            super().__init__("of two")

    class NoText(Exception):
        def __str__(self):
            raise RuntimeError

    def strange(offset):
        try:
            1 / 0
        except ZeroDivisionError as cause:
            errors = [Plain("own"), TwoArguments(1, 2), NoText()]
            raise errors[round(10 * offset)] from cause
"""


@pytest.mark.parametrize(("executor", "ranks"), [("process-pool", 0), ("auto", 2)])
def test_an_error_of_whatever_class_is_told_in_its_own_words(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, executor: str, ranks: int
) -> None:
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", executor)
    jobs.write(text=LEARNERS.replace("return x +", "strange(offset)\n        return x +") + STRANGE)
    for index in range(3):
        peer.give(index, f"data/0.{index}")
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    failed = [said for said in peer.seen if said["type"] == "failed"]
    words = ["Plain: own", "TwoArguments: of two", "NoText: its text cannot be shown: RuntimeError"]
    assert [said["error"].split(" in h at x = ")[0] for said in failed] == words
    for said, line in zip(failed, words):
        trace = said["traceback"]
        assert trace.splitlines()[-1] == line
        assert "ZeroDivisionError: division by zero\n\nThe above exception was the direct" in trace
        assert "in strange" in trace


LEAVES_A_THREAD = """
    import threading

    def leave_a_thread():
        threading.Thread(target=time.sleep, args=(100_000,), name="uploads").start()

    leave_a_thread()
"""


@pytest.mark.parametrize(("executor", "ranks"), [("process-pool", 0), ("auto", 2)])
def test_a_thread_that_the_study_leaves_does_not_keep_a_job_from_ending(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, executor: str, ranks: int
) -> None:
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", executor)
    leaving = LEARNERS.replace("return x +", "leave_a_thread()\n        return x +")
    jobs.write(text=leaving + LEAVES_A_THREAD)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    code, output = ended(jobs.start(*RUN, ranks=ranks))
    assert code == 0, output
    assert "Threads that the study left are ended: uploads" in output
    assert peer.types() == ["start", "done", "start"]


def test_a_rank_that_is_killed_ends_the_job_and_does_not_hang_it(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=KILLED)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    # Hydra gives the number of the signal, other launchers what a shell would.
    assert ended(jobs.start(*RUN, ranks=3))[0] in (9, 137)


def test_without_a_scheduler_a_job_ends_without_a_failure(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs.write()
    monkeypatch.setattr(run, "PATIENCE", Patience(attempt=0.1, rest=0.01, start=0.2))
    monkeypatch.setattr(sys, "path", list(sys.path))
    run.main()
    assert Patience().start == 300
    assert "no learner: no scheduler serves this run" in capsys.readouterr().out
