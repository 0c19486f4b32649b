"""Scripts of the first version, unmodified, and what their calls do."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import adaptive
import pytest

from adaptive_scheduler import client_support
from adaptive_scheduler.door import Patience
from adaptive_scheduler.start import LearnersChangedError
from conftest import LEARNERS, SCRIPT, Jobs, ended
from peer import Message, Peer
from test_run import COUNTED, HANGING, points

URL = "tcp://10.76.0.5:57681"

FIRST_VERSION = (Path(__file__).parent.parent / "fixtures/first_version.py").read_text()


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A learners file that is imported already, and a client without a past."""
    module = types.ModuleType("_study")
    module.learners = [adaptive.Learner1D(abs, (-1, 1)) for _ in range(3)]  # type: ignore[attr-defined]
    module.fnames = ["data/0", "data/1", "data/2"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "_study", module)
    quick = Patience(attempt=0.2, rest=0.01, start=0.3, ending=0.3, moved=0.01)
    monkeypatch.setattr(client_support, "PATIENCE", quick)
    yield module
    for assignment in client_support._assignments:
        assignment.close()
    for door in client_support._doors:
        door.close()
    client_support._assignments.clear()
    client_support._doors.clear()


def run(learner: adaptive.BaseLearner, n: int = 5) -> None:
    with ThreadPoolExecutor(1) as executor:
        adaptive.BlockingRunner(learner, npoints_goal=n, executor=executor)


def test_an_unmodified_script_runs_under_mpi(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=LEARNERS + COUNTED)
    jobs.write("run_learner.py", FIRST_VERSION)
    peer.give(1, "data/0.1", goal={"npoints": 25})
    code, output = ended(jobs.start(*SCRIPT, ranks=2))
    assert code == 0, output
    assert peer.types() == ["start", "done"]
    assert points(Path("data/0.1")) == peer.expect("done")["npoints"] >= 25
    assert len([line for line in output.splitlines() if URL in line]) == 1


def test_an_unmodified_script_stops_at_once(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=HANGING)
    jobs.write("run_learner.py", FIRST_VERSION)
    peer.give(0, "data/0.0")
    job = jobs.start(*SCRIPT, ranks=3)
    peer.expect("report", lambda report: report["npoints"] == 2)
    peer.push(0, stop="now")
    assert peer.expect("released")["why"] == "stopped"
    assert ended(job)[0] == 0
    assert points(Path("data/0.0")) == 2


#: Tells the process of each rank.
PIDS = """
    rank = os.environ.get("PMI_RANK", 0)
    with open(f"pid-{rank}", "w") as file:
        file.write(str(os.getpid()))
"""


@pytest.mark.parametrize(
    ("number", "why", "exit_code"),
    [(signal.SIGTERM, "terminated", 143), (signal.SIGUSR1, "deadline", 75)],
)
def test_an_unmodified_script_saves_at_a_signal_which_reaches_all_ranks(
    peer: Peer, jobs: Jobs, number: signal.Signals, why: str, exit_code: int
) -> None:
    jobs.write(text=HANGING + PIDS)
    jobs.write("run_learner.py", FIRST_VERSION)
    peer.give(0, "data/0.0")
    job = jobs.start(*SCRIPT, ranks=3)
    peer.expect("report", lambda report: report["npoints"] == 2)
    for rank in (2, 1, 0):
        os.kill(int(Path(f"pid-{rank}").read_text()), number)
    assert peer.expect("released")["why"] == why
    code, output = ended(job)
    assert code == exit_code, output
    assert points(Path("data/0.0")) == 2


def test_an_unmodified_script_is_given_back_before_its_walltime_ends(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The time that starting Python takes does not count.
    jobs.write(text=f'{HANGING}\n    os.environ["ADAPTIVE_DEADLINE"] = str(time.time() + 30)\n')
    jobs.write("run_learner.py", FIRST_VERSION)
    monkeypatch.setenv("ADAPTIVE_WALLTIME_SECONDS", "30")
    peer.give(0, "data/0.0")
    job = jobs.start(*SCRIPT, ranks=3)
    released = peer.expect("released")
    assert (released["why"], released["npoints"]) == ("deadline", 2)
    assert ended(job)[0] == 75
    assert points(Path("data/0.0")) == 2


def test_an_unreadable_file_is_kept_aside_before_a_script_loads_it(peer: Peer, jobs: Jobs) -> None:
    jobs.write()
    jobs.write("run_learner.py", FIRST_VERSION)
    Path("data").mkdir()
    Path("data/0.0").write_bytes(b"")
    peer.give(0, "data/0.0", goal={"npoints": 5})
    assert ended(jobs.start(*SCRIPT, ranks=2))[0] == 0
    assert "kept as 0.0.unreadable-1" in peer.expect("remark")["text"]
    assert points(Path("data/0.0")) >= 5


def test_a_script_for_which_nothing_is_left_ends_with_75(peer: Peer, jobs: Jobs) -> None:
    jobs.write()
    jobs.write("run_learner.py", FIRST_VERSION)
    code, output = ended(jobs.start(*SCRIPT, ranks=2))
    assert code == 75, output
    assert "no learner: end" in output


def test_done_is_said_after_the_data_is_on_disk(peer: Peer, study: types.ModuleType) -> None:
    peer.give(1, "data/1")
    saved: list[bool] = []

    def answer(done: Message) -> Message:
        saved.append(Path("data/1").exists())
        return {"type": "ok", "wish": peer.wish}

    peer.answers["done"] = answer
    learner, fname = client_support.get_learner(URL, study.learners, [])
    assert (learner, fname) == (study.learners[1], "data/1")
    run(learner)
    client_support.tell_done(URL, fname)
    done = peer.expect("done")
    assert (done["learner"], done["epoch"], done["npoints"]) == (1, 1, learner.npoints)
    assert saved == [True]
    assert points(Path("data/1")) == learner.npoints
    assert peer.seen[-1]["type"] == "done", "a report after the last word would be refused"


@pytest.mark.parametrize("fname", ["data/other", ["data/1"] * 2])
def test_another_file_in_its_place_means_learners_changed(
    peer: Peer, study: types.ModuleType, fname: object
) -> None:
    peer.give(1, fname)
    with pytest.raises(LearnersChangedError, match="Update the run"):
        client_support.get_learner(URL, study.learners)
    released = peer.expect("released")
    assert released["why"] == "learners-changed"
    assert "fnames[1] is 'data/1', where the run has " in released["detail"]


def test_too_few_learners_means_learners_changed(peer: Peer, study: types.ModuleType) -> None:
    peer.give(7, "data/7")
    with pytest.raises(LearnersChangedError, match="only 3 learners, where the run has"):
        client_support.get_learner(URL, study.learners)
    assert peer.expect("released")["learner"] == 7


def test_a_file_that_cannot_be_written_is_a_failure(peer: Peer, study: types.ModuleType) -> None:
    peer.give(0, "data/0")
    learner, fname = client_support.get_learner(URL, study.learners)
    run(learner)
    shutil.rmtree("data", ignore_errors=True)
    Path("data").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="could not save: "):
        client_support.is_done(URL, fname)
    assert peer.expect("failed")["error"].startswith("could not save: ")
    assert "done" not in peer.types()


@pytest.mark.parametrize("when", ["before is_done", "in the answer"])
def test_a_learner_of_another_job_ends_the_script_with_75(
    peer: Peer, study: types.ModuleType, when: str
) -> None:
    peer.give(0, "data/0")
    learner, fname = client_support.get_learner(URL, study.learners)
    run(learner)
    if when == "before is_done":
        peer.set_epoch(0, 2)
    peer.answers["done"] = lambda _: {"type": "fenced", "why": "job 42 has it"}
    with pytest.raises(SystemExit) as raised:
        client_support.is_done(URL, fname)
    assert raised.value.code == 75
    assert Path("data/0").exists() == (when == "in the answer")


def test_without_a_scheduler_done_goes_to_the_outbox(
    peer: Peer, study: types.ModuleType, run_dir: Path
) -> None:
    peer.give(0, "data/0")
    learner, fname = client_support.get_learner(URL, study.learners)
    run(learner)
    peer.close()
    client_support.is_done(URL, fname)
    (left,) = (run_dir / ".adaptive" / "outbox").iterdir()
    message = json.loads(left.read_text())
    assert (message["type"], message["learner"]) == ("done", 0)
    assert left.name == f"{message['instance']}-{message['n']}.json"
    assert points(Path("data/0")) == message["npoints"]


def test_without_a_scheduler_there_is_no_learner_and_no_further_step(
    study: types.ModuleType,
) -> None:
    with pytest.raises(SystemExit) as raised:
        client_support.get_learner(URL, study.learners)
    assert raised.value.code == 75


@pytest.mark.parametrize(
    "name", ["SLURM_PROCID", "PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "PALS_RANKID"]
)
def test_ranks_above_0_are_refused_before_any_request(
    peer: Peer, study: types.ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(RuntimeError, match=r"Rank 3.*__main__.*--mpi"):
        client_support.get_learner(URL, study.learners)
    assert client_support._doors == []


@pytest.mark.parametrize(
    "environment",
    [
        {"SLURM_PROCID": "0"},  # one process in a batch script
        {"SLURM_PROCID": "1", "PMI_RANK": "0"},  # an mpiexec there that began on the second node
    ],
)
def test_rank_0_is_known_by_the_launcher_that_is_nearest(
    peer: Peer,
    study: types.ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    peer.give(0, "data/0")
    assert client_support.get_learner(URL, study.learners)[1] == "data/0"


@pytest.mark.parametrize(
    ("environment", "restart"),
    [
        ({"SLURM_RESTART_COUNT": "2"}, 2),
        ({"SLURM_RESTART_COUNT": "2", "ADAPTIVE_RESTART": "0"}, 0),
        ({}, 0),
    ],
)
def test_requests_say_how_often_the_queue_has_restarted_the_job(
    peer: Peer,
    study: types.ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    restart: int,
) -> None:
    monkeypatch.delenv("ADAPTIVE_RESTART")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    peer.give(0, "data/0")
    client_support.get_learner(URL, study.learners)
    start = peer.expect("start")
    assert (start["job"], start["restart"]) == ("41_2", restart)


def test_outside_of_a_job_it_says_what_to_do(
    study: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADAPTIVE_RUN_DIR")
    for call in (
        lambda: client_support.get_learner(URL, study.learners),
        lambda: client_support.is_done(URL, "data/0"),
    ):
        with pytest.raises(RuntimeError, match="Start Jobs"):
            call()


def test_learners_without_fnames_beside_them_are_refused(study: types.ModuleType) -> None:
    with pytest.raises(LookupError, match="fnames"):
        client_support.get_learner(URL, list(study.learners))


def test_a_thread_without_an_event_loop_gets_one(peer: Peer, study: types.ModuleType) -> None:
    peer.give(0, "data/0")
    loops: list[object] = []

    def script() -> None:
        client_support.get_learner(URL, study.learners)
        loops.append(asyncio.get_event_loop())

    thread = threading.Thread(target=script)
    thread.start()
    thread.join()
    assert len(loops) == 1


def test_the_run_s_goal_ends_a_runner_without_a_near_goal(
    peer: Peer, study: types.ModuleType
) -> None:
    peer.give(0, "data/0", goal={"npoints": 12, "loss": 1e-9})
    learner, _ = client_support.get_learner(URL, study.learners)
    run(learner, n=10_000)
    assert 12 <= learner.npoints < 100


def test_other_learners_are_left_alone(peer: Peer, study: types.ModuleType) -> None:
    peer.give(0, "data/0", goal={"npoints": 12})
    client_support.get_learner(URL, study.learners)
    run(study.learners[2], n=40)
    assert study.learners[2].npoints >= 40


def test_a_preview_is_sent_while_it_is_wished(peer: Peer, study: types.ModuleType) -> None:
    peer.give(0, "data/0")
    learner, _ = client_support.get_learner(URL, study.learners)
    wished = threading.Event()

    def look() -> None:
        peer.expect("report", lambda report: "preview" not in report)
        peer.push(0, preview=True)
        report = peer.expect("report", lambda report: "preview" in report)
        seen.append(report)
        wished.set()

    seen: list[Message] = []
    thread = threading.Thread(target=look)
    thread.start()
    with ThreadPoolExecutor(1) as executor:
        adaptive.BlockingRunner(learner, lambda _: wished.is_set(), executor=executor)
    thread.join()
    drawn = seen[0]["preview"]
    assert drawn["y"] == [[abs(x) for x in drawn["x"]]]
    assert drawn["npoints"] == seen[0]["npoints"]


def test_a_stopped_learner_is_released_and_not_done(peer: Peer, study: types.ModuleType) -> None:
    peer.wish = {**peer.wish, "stop": "gently"}
    peer.give(0, "data/0")
    learner, fname = client_support.get_learner(URL, study.learners)
    run(learner, n=100)
    assert learner.npoints < 100
    client_support.is_done(URL, fname)
    assert peer.types() == ["start", "released"]
    assert peer.expect("released")["why"] == "stopped"


def test_a_learner_that_meets_its_goal_is_done_even_when_stopped(
    peer: Peer, study: types.ModuleType
) -> None:
    peer.give(0, "data/0", goal={"npoints": 1})
    study.learners[0].tell(0.5, 0.5)
    peer.wish = {**peer.wish, "stop": "gently"}
    peer.queue[0]["wish"] = peer.wish
    learner, fname = client_support.get_learner(URL, study.learners)
    run(learner, n=100)
    client_support.is_done(URL, fname)
    assert peer.types() == ["start", "done"]


def test_a_loss_that_is_not_finite_is_null(peer: Peer, study: types.ModuleType) -> None:
    peer.give(0, "data/0")
    _, fname = client_support.get_learner(URL, study.learners)
    client_support.is_done(URL, fname)
    assert peer.expect("done")["loss"] is None


def test_a_file_name_that_was_not_given_is_refused(study: types.ModuleType) -> None:
    with pytest.raises(ValueError, match="that get_learner gave"):
        client_support.is_done(URL, "data/9")


def test_a_learner_that_is_done_is_not_done_again(peer: Peer, study: types.ModuleType) -> None:
    peer.give(0, "data/0")
    client_support.get_learner(URL, study.learners)
    with pytest.raises(ValueError, match="it gave 'data/0'"):
        client_support.is_done(URL, "data/1")
    client_support.is_done(URL, "data/0")
    with pytest.raises(ValueError, match="none that is not done"):
        client_support.is_done(URL, "data/0")


def test_a_second_learner_before_the_first_is_done_is_refused(
    peer: Peer, study: types.ModuleType
) -> None:
    peer.give(0, "data/0")
    peer.give(1, "data/1")
    client_support.get_learner(URL, study.learners)
    with pytest.raises(RuntimeError, match=r"before is_done\(url, 'data/0'\): .* one learner"):
        client_support.get_learner(URL, study.learners)
    client_support.is_done(URL, "data/0")
    assert client_support.get_learner(URL, study.learners)[1] == "data/1"
