from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from adaptive_scheduler.door import Door, Patience, RefusedError
from adaptive_scheduler.job import Job
from peer import BOUND, Message, Peer

QUICK = Patience(attempt=0.2, rest=0.01, start=0.5, ending=0.5, moved=0.01)
START = {"type": "start", "resourceClass": "default", "revision": "r1"}


@pytest.fixture
def door(run_dir: Path) -> Iterator[Door]:
    door = Door(Job.from_environment(), QUICK)
    yield door
    door.close()


def test_a_request_carries_the_job_and_gets_its_answer(peer: Peer, door: Door) -> None:
    assert door.ask(START, BOUND) == {"v": 1, "n": 1, "type": "nothing", "why": "end"}
    request = peer.expect("start")
    assert request.pop("host")
    assert request == {
        **START, "v": 1, "job": "41_2", "restart": 0,
        "instance": door.instance, "n": 1, "pid": os.getpid(),
    }  # fmt: skip


def test_silence_means_the_same_request_again(peer: Peer, door: Door) -> None:
    answers: list[Message | None] = [None, None, {"type": "nothing", "why": "at last"}]
    peer.answers["start"] = lambda _: answers.pop(0)
    reply = door.ask(START, BOUND)
    assert reply is not None
    assert reply["why"] == "at last"
    assert [request["n"] for request in peer.seen] == [1, 1, 1]


def test_every_address_is_tried_and_what_worked_comes_first(peer: Peer, door: Door) -> None:
    works = peer.endpoint["urls"][0]
    peer.endpoint["urls"] = ["tcp://127.0.0.1:1", works]
    peer.announce()
    assert door.ask(START, BOUND)
    assert door.ask(START, BOUND)
    assert door._tried == [works, "tcp://127.0.0.1:1"]


def test_a_scheduler_that_is_slow_to_answer_is_waited_for_longer_each_time(
    peer: Peer, door: Door
) -> None:
    def slowly(_: Message) -> Message:
        time.sleep(2.5 * QUICK.attempt)
        return {"type": "nothing", "why": "at last"}

    peer.answers["start"] = slowly
    assert door.ask(START, BOUND)


def test_a_scheduler_that_moved_is_found(peer: Peer, door: Door, run_dir: Path) -> None:
    assert door.ask(START, BOUND)
    peer.close()
    other = Peer(run_dir)
    try:
        assert door.has_moved()
        assert door.ask(START, BOUND)
        assert not door.has_moved()
        assert other.seen[0]["n"] == 2
    finally:
        other.close()


def test_what_is_no_answer_is_passed_over(peer: Peer, door: Door) -> None:
    right = {"type": "nothing", "why": "right"}
    wrong = [b"\xff", b"[]", b"{}", {"type": "nothing", "why": "old", "n": 0}]
    peer.answers["start"] = lambda _: [*wrong, right]
    reply = door.ask(START, BOUND)
    assert reply is not None
    assert reply["why"] == "right"


def test_a_wish_before_the_answer_is_heard(peer: Peer, door: Door) -> None:
    heard: list[Message] = []
    door.on_wish = heard.append
    wish = {"type": "wish", "learner": 3, "wish": {"stop": "now"}, "n": 1}
    peer.answers["start"] = lambda _: [wish, {"type": "nothing", "why": ""}]
    reply = door.ask(START, BOUND)
    assert reply is not None
    assert reply["type"] == "nothing"
    assert [message["learner"] for message in heard] == [3]


def test_an_error_is_raised(peer: Peer, door: Door) -> None:
    peer.answers["start"] = lambda _: {"type": "error", "code": "unknown-job", "message": "who?"}
    with pytest.raises(RefusedError, match=r"unknown-job.*who\?") as raised:
        door.ask(START, BOUND)
    assert raised.value.code == "unknown-job"


def test_a_client_with_another_key_hears_nothing(peer: Peer, door: Door) -> None:
    peer.endpoint["serverKey"] = zmq.curve_keypair()[0].decode()
    peer.announce()
    assert door.ask(START, 0.5) is None
    assert peer.seen == []
    assert door.trouble() == f"refused or unreachable: {peer.endpoint['urls'][0]}"


def test_every_address_that_was_tried_is_named(peer: Peer, door: Door) -> None:
    peer.answers["start"] = lambda _: None
    peer.endpoint["urls"] = ["tcp://127.0.0.1:1", *peer.endpoint["urls"]]
    peer.announce()
    assert door.ask(START, 0.5) is None
    first, second = peer.endpoint["urls"]
    assert door.trouble() == f"refused or unreachable: {first}, {second}"


def test_addresses_are_read_anew_between_two_rounds(peer: Peer, door: Door) -> None:
    works = peer.endpoint["urls"]
    peer.endpoint["urls"] = ["tcp://127.0.0.1:1"]
    peer.announce()
    peer.endpoint["urls"] = works
    thread = threading.Timer(0.3, peer.announce)
    thread.start()
    assert door.ask(START, BOUND)
    thread.join()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no scheduler serves this run"),
        ("", "does not say where the scheduler is"),
        ("{", "does not say where the scheduler is"),
        ("[]", "does not say where the scheduler is"),
        ('{"urls": [1]}', "does not say where the scheduler is"),
    ],
)
def test_without_an_endpoint_there_is_no_scheduler(
    door: Door, run_dir: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (run_dir / ".adaptive" / "endpoint.json").write_text(content)
    assert door.ask(START, 0.05) is None
    assert words in door.trouble()


def test_a_run_directory_that_this_machine_does_not_see_is_said_to_be_that(
    door: Door, run_dir: Path
) -> None:
    (run_dir / ".adaptive").rename(run_dir / "elsewhere")
    assert door.ask(START, 0.05) is None
    assert "must be on a file system that all machines of the cluster see" in door.trouble()


def test_an_interrupt_ends_the_wait(peer: Peer, door: Door) -> None:
    peer.answers["start"] = lambda _: None
    reading, writing = os.pipe()
    os.write(writing, b"!")
    assert door.ask(START, 10 * BOUND, reading) is None
    os.close(reading)
    os.close(writing)


def test_the_outbox_holds_the_message_as_it_was_sent(door: Door, run_dir: Path) -> None:
    done = {"type": "done", "learner": 0, "epoch": 1, "npoints": 3, "loss": None}
    assert door.ask(done, 0.01) is None
    door.leave(done)
    outbox = run_dir / ".adaptive" / "outbox"
    assert os.listdir(outbox) == [f"{door.instance}-1.json"]
    left = json.loads((outbox / f"{door.instance}-1.json").read_text())
    assert left.items() >= {**done, "v": 1, "n": 1, "job": "41_2"}.items()
