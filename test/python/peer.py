"""A scheduler for tests: speaks the protocol over real CURVE, and misbehaves on demand."""

from __future__ import annotations

import json
import queue
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

Message = dict[str, Any]
#: Generous: a test that waits this long has failed.
BOUND = 60


class Peer:
    """Answers the requests of workers.

    Attributes
    ----------
    answers
        By type of request, what answers it: a function of the request, which may return None for
        silence, or a list of messages (bytes are sent as they are).
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.requests: queue.Queue[Message] = queue.Queue()
        self.seen: list[Message] = []
        self.wish: Message = {"stop": None, "preview": False, "reportEverySeconds": 0.05}
        self.queue: list[Message] = []
        ok = lambda request: {"type": "ok", "wish": self.wish}  # noqa: E731
        self.answers: dict[str, Callable[[Message], Any]] = {
            "start": lambda _: (
                self.queue.pop(0) if self.queue else {"type": "nothing", "why": "end"}
            ),
            **dict.fromkeys(("report", "done", "failed", "released", "remark", "tried"), ok),
        }
        public, secret = zmq.curve_keypair()
        client_public, client_secret = zmq.curve_keypair()
        context: Any = zmq.Context.instance()  # its stubs know no attribute of a socket
        self._socket = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.curve_server = True
        self._socket.curve_secretkey = secret
        self._socket.curve_publickey = public
        port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self.endpoint: Message = {
            "version": 1,
            "incarnation": 1,
            "host": "here",
            "pid": 1,
            "urls": [f"tcp://127.0.0.1:{port}"],
            "serverKey": public.decode(),
            "clientPublicKey": client_public.decode(),
            "clientSecretKey": client_secret.decode(),
        }
        (run_dir / ".adaptive").mkdir(exist_ok=True)
        self.announce()
        self.set_epoch(0, 1)
        self._pushes: queue.Queue[Message] = queue.Queue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def announce(self) -> None:
        path = self.run_dir / ".adaptive" / "endpoint.json"
        path.write_text(json.dumps(self.endpoint))

    def set_epoch(self, learner: int, epoch: int) -> None:
        path = self.run_dir / ".adaptive" / "epochs"
        data = bytearray(path.read_bytes() if path.exists() else bytes(8 * 64))
        struct.pack_into("<Q", data, 8 * learner, epoch)
        path.write_bytes(data)

    def give(self, index: int, fname: Any, **more: Any) -> None:
        """Let the next `start` be answered with a learner."""
        self.set_epoch(index, 1)
        self.queue.append(
            {
                "type": "assign",
                "learner": index,
                "epoch": 1,
                "index": index,
                "fname": fname,
                "goal": None,
                "retries": 0,
                "saveEverySeconds": 300,
                "wish": self.wish,
                **more,
            }
        )

    def push(self, learner: int, **wish: Any) -> None:
        """Send a wish to whoever spoke last."""
        self.wish = {**self.wish, **wish}
        self._pushes.put({"v": 1, "type": "wish", "learner": learner, "wish": self.wish})

    def expect(self, kind: str, suits: Callable[[Message], bool] = lambda _: True) -> Message:
        """Wait for a request of a type; those before it are dropped."""
        while True:
            request = self.requests.get(timeout=BOUND)
            if request["type"] == kind and suits(request):
                return request

    def types(self) -> list[str]:
        """Types of all requests but reports and remarks, each counted once."""
        numbered = {(r["instance"], r["n"]): r["type"] for r in self.seen}
        return [kind for kind in numbered.values() if kind not in ("report", "remark")]

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close(linger=0)

    def _serve(self) -> None:
        worker = b""
        while not self._ended.is_set():
            if self._socket.poll(10):
                worker, frame = self._socket.recv_multipart()
                request = json.loads(frame)
                self.seen.append(request)
                answer = self.answers[request["type"]](request)
                for reply in answer if isinstance(answer, list) else [answer]:
                    if isinstance(reply, bytes):
                        self._socket.send_multipart([worker, reply])
                    elif reply is not None:
                        whole = {"v": 1, "n": request["n"], **reply}
                        self._socket.send_multipart([worker, json.dumps(whole).encode()])
                self.requests.put(request)
            while worker and not self._pushes.empty():
                self._socket.send_multipart([worker, json.dumps(self._pushes.get()).encode()])
