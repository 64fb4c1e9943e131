"""The processes that are compared: each answers one line of JSON to one line of words."""

import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


class Failed(Exception):
    """An engine could not do what it was asked to; says why."""


class Engine:
    """One process in a session of its own, so that whatever it started ends with it."""

    def __init__(self, command, log, **environment):
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | environment,
                start_new_session=True,
            )
        self.unread = b""
        # Where memory runs out, the system ends this process rather than any other.
        pathlib.Path(f"/proc/{self.process.pid}/oom_score_adj").write_text("1000")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()

    def send(self, *words):
        """Gives a command."""
        try:
            self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("the process has ended") from None

    def receive(self, limit=None):
        """The answer to the last command, within `limit` seconds."""
        until = time.monotonic() + limit if limit else None
        output = self.process.stdout.fileno()
        while b"\n" not in self.unread:
            left = max(until - time.monotonic(), 0) if until else None
            if not select.select([output], [], [], left)[0]:
                raise Failed(f"no answer within {limit:.0f} s")
            piece = os.read(output, 1 << 16)
            if not piece:
                raise Failed(f"the process has ended with {self.process.wait()}")
            self.unread += piece
        line, self.unread = self.unread.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(" ".join(answer["error"].split())[:300])
        return answer

    def ask(self, *words, limit=None):
        """A command and its answer."""
        self.send(*words)
        return self.receive(limit)


class Engines:
    """Starts engines: `program` is this project's side, `out` the folder for all that is written."""

    def __init__(self, program, out):
        self.program, self.out = program, out
        (out / "cases").mkdir(parents=True, exist_ok=True)
        self.log = out / "stderr.log"
        self.log.write_bytes(b"")

    def ours(self, threads, candidates=1):
        """This project's engine: all candidates in one process, each on `threads` threads."""
        return Engine([self.program, "--threads", str(threads), "--candidates", str(candidates)], self.log)

    def pytorch(self, threads):
        """One process of PyTorch."""
        return Engine(
            [sys.executable, str(HERE / "worker.py"), str(threads)],
            self.log,
            OMP_NUM_THREADS=str(threads),
            MKL_NUM_THREADS=str(threads),
            TORCHINDUCTOR_CACHE_DIR=str(self.out / "inductor"),
            PYTHONPATH=str(HERE),
        )
