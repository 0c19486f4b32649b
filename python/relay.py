"""Runs many commands over one pair of pipes, each with streams and an exit code of its own.

For SSH servers that allow one session per connection, and for terminals where Node has none. Sent
as text and run by whatever Python from 3.6 on is there, so it needs nothing but that.

A frame is a letter, the number of the command, and the length of what follows. From the client:
`o` opens (JSON), `i` is input (empty: its end), `1` and `2` allow more of an output, `k` ends the
process, `r` resizes its terminal. To the client: `s` it runs (of 0: the relay itself), `m` what is
missing, `1` and `2` are output (empty: its end), `i` allows more input, `x` it has ended (JSON). At
most WINDOW bytes of a stream are under way, so that one that nobody reads does not hold up the
others.
"""

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import termios

WINDOW = 256 * 1024
CHUNK = 32 * 1024
# Of one frame: no system starts a command whose arguments and variables are longer.
MAX_FRAME = 8 * 1024 * 1024
HEAD = struct.Struct(">cII")
COUNT = struct.Struct(">I")


def send(letter, number, payload=b""):
    """Write one frame, whole."""
    data = HEAD.pack(letter, number, len(payload)) + payload
    while data:
        data = data[os.write(1, data) :]


class Command:
    """A process of the client, with how much of its streams may be passed on."""

    def __init__(self, number, argv, cwd=None, env=None, size=None):
        self.number = number
        self.unwritten = b""
        self.ends_input = False
        # Of each descriptor its letter and how many bytes are allowed.
        self.outputs = {}
        options = {"cwd": cwd, "env": {**os.environ, **(env or {})}, "start_new_session": True}
        if size:
            self.start_in_terminal(argv, size, options)
        else:
            self.start(argv, options)
        for fd in {self.input, *self.outputs}:
            os.set_blocking(fd, False)

    def start(self, argv, options):
        """Run it with three pipes."""
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            argv, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, **options
        )
        self.input = self.process.stdin.fileno()
        self.outputs = {
            self.process.stdout.fileno(): [b"1", WINDOW],
            self.process.stderr.fileno(): [b"2", WINDOW],
        }

    def start_in_terminal(self, argv, size, options):
        """Run it in a terminal of its own."""
        self.input, terminal = os.openpty()
        try:
            self.resize(size)
            options["preexec_fn"] = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            self.process = subprocess.Popen(
                argv, stdin=terminal, stdout=terminal, stderr=terminal, **options
            )
        except OSError:
            os.close(self.input)
            raise
        finally:
            os.close(terminal)
        self.outputs = {self.input: [b"1", WINDOW]}

    def resize(self, size):
        """Tell its terminal how large the screen is."""
        fcntl.ioctl(
            self.input, termios.TIOCSWINSZ, struct.pack("HHHH", size["rows"], size["columns"], 0, 0)
        )

    def readable(self):
        """Outputs of which more is wanted."""
        return [fd for fd, (_, allowed) in self.outputs.items() if allowed > 0]

    def read(self, fd):
        """Pass on some output."""
        letter, allowed = self.outputs[fd]
        try:
            data = os.read(fd, min(allowed, CHUNK))
        except OSError:  # A terminal whose processes have ended.
            data = b""
        send(letter, self.number, data)
        self.outputs[fd][1] -= len(data)
        if not data:
            del self.outputs[fd]

    def allow(self, letter, count):
        """Note that the client has taken some output."""
        for output in self.outputs.values():
            if output[0] == letter:
                output[1] += count

    def take(self, data):
        """Keep input until the process reads it."""
        if self.ends_input:  # Its descriptor may be another's by now.
            return
        if len(self.unwritten) + len(data) > WINDOW:
            raise SystemExit("relay: more input than was allowed")
        self.unwritten += data
        self.ends_input = self.ends_input or not data
        self.write()

    def write(self):
        """Pass on some input."""
        written = 0
        try:
            if self.unwritten:
                written = os.write(self.input, self.unwritten)
        except BlockingIOError:
            pass
        except OSError:  # It reads no more.
            written = len(self.unwritten)
        self.unwritten = self.unwritten[written:]
        if written:
            send(b"i", self.number, COUNT.pack(written))
        if self.ends_input and not self.unwritten and self.process.stdin:
            self.process.stdin.close()

    def kill(self):
        """End it with all that it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            if self.process.stdin is None:  # A shell in a terminal heeds this alone.
                os.killpg(self.process.pid, signal.SIGHUP)

    def has_ended(self):
        """Tell the client once all output is read."""
        if self.outputs or self.process.poll() is None:
            return False
        code = self.process.returncode
        killed_by = signal.Signals(-code).name if code < 0 else None
        send(
            b"x",
            self.number,
            json.dumps({"code": None if killed_by else code, "signal": killed_by}).encode(),
        )
        if self.process.stdin:
            self.process.stdin.close()
        else:
            os.close(self.input)
        return True


def open_command(number, wish):
    """Start a command, or say what is missing for it."""
    try:
        command = Command(number, **wish)
    except OSError as error:
        cwd = wish.get("cwd")
        send(b"m", number, b"folder" if cwd is not None and error.filename == cwd else b"program")
        return None
    except (TypeError, ValueError, KeyError, struct.error):  # No name of a program has a null byte.
        send(b"m", number, b"program")
        return None
    send(b"s", number)
    return command


def hear(commands, letter, number, payload):
    """Do what a frame asks for; one that is not understood costs nobody else's command."""
    try:
        act(commands, letter, number, payload)
    except Exception as error:  # Of whatever kind: JSON within JSON is a RecursionError.
        os.write(2, b"relay: dropped a frame: " + type(error).__name__.encode() + b"\n")


def act(commands, letter, number, payload):
    """Do what a frame asks for."""
    if letter == b"o":
        command = open_command(number, json.loads(payload.decode()))
        if command:
            commands[number] = command
        return
    command = commands.get(number)
    if command is None:  # It has just ended.
        return
    if letter == b"i":
        command.take(payload)
    elif letter == b"k":
        command.kill()
    elif letter == b"r":
        command.resize(json.loads(payload.decode()))
    else:
        command.allow(letter, COUNT.unpack(payload)[0])


def main():
    """Serve the client until it is gone."""
    commands = {}
    received = b""
    ended, tell_ended = os.pipe()
    os.set_blocking(tell_ended, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(tell_ended)
    send(b"s", 0)
    while True:
        readers = {fd: command for command in commands.values() for fd in command.readable()}
        writers = {command.input: command for command in commands.values() if command.unwritten}
        readable, writable, _ = select.select([0, ended, *readers], [*writers], [])
        for fd in writable:
            writers[fd].write()
        for fd in readable:
            if fd in readers:
                readers[fd].read(fd)
        if ended in readable:
            os.read(ended, CHUNK)
        if 0 in readable:
            data = os.read(0, CHUNK)
            if not data:
                return
            received += data
            while len(received) >= HEAD.size:
                letter, number, length = HEAD.unpack_from(received)
                if length > MAX_FRAME:
                    raise SystemExit("relay: a frame that is too long")
                if len(received) < HEAD.size + length:
                    break
                hear(commands, letter, number, received[HEAD.size : HEAD.size + length])
                received = received[HEAD.size + length :]
        for number in [number for number, command in commands.items() if command.has_ended()]:
            del commands[number]


main()
