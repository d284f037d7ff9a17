"""A contender in a process of its own, spoken to in lines of JSON.

``python -m benchmarks.worker`` serves; :class:`Worker` is the other end.  Between
requests the process is blocked on its standard input and takes no time from others.
"""

import gc
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.data import load
from benchmarks.memory import PeakMemory, release_freed
from benchmarks.tasks import Training, from_json

ROOT = Path(__file__).parents[1]


class Worker:
    """A contender in another process; a context that ends it."""

    def __init__(self, name, python=sys.executable):
        # Only this repository: the other environment brings its own packages.
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **request):
        """Answer to a request."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended: {self._process.args}")
        self.answer = json.loads(line)
        return self.answer

    def runner(self, task, folder, threads, memory_map=False):
        """Function that does the task once and returns the seconds it took."""
        request = {"task": asdict(task), "folder": str(folder)}
        request.update(threads=threads, memory_map=memory_map)
        return lambda: self.ask(**request)["seconds"]

    def memory(self, task, folder, memory_map=False):
        """Bytes at the peak of the task, see :class:`benchmarks.memory.PeakMemory`."""
        request = {"task": asdict(task), "folder": str(folder)}
        request.update(threads=1, memory_map=memory_map)
        return self.ask(memory=True, **request)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def peers_of(name):
    """The contender's own module only: no environment has the packages of all."""
    if name == "PyTorch":
        from benchmarks.torch_peer import PEERS
    elif name == "JAX":
        from benchmarks.jax_peer import PEERS
    else:
        from benchmarks.peers import PEERS
    return PEERS[name]


class Server:
    """Answers the requests, and remembers what was prepared for the last one."""

    def __init__(self, peer):
        self.peer = peer
        self.prepared = None, None

    def answer(self, request):
        """Answer to one request."""
        if "task" not in request:
            return {"version": self.peer.version()}
        with self.peer.threads(request["threads"]):
            if request.pop("memory", False):
                return self.memory(request)
            if self.prepared[0] != request:
                work = prepare(self.peer, *unpack(request))
                self.prepared = request, work
            gc.collect()
            answer = {"seconds": self.prepared[1]()}
            if getattr(self.peer, "compile_seconds", None) is not None:
                answer["compile"] = self.peer.compile_seconds
        settle()
        return answer

    def memory(self, request):
        """Bytes that the task takes at its peak."""
        task, data = unpack(request)
        few = data._replace(X=data.X[:500], y=data.y[:500])
        prepare(self.peer, task, few)()  # libraries make their buffers at first use
        work = prepare(self.peer, task, data)
        release_freed()
        with PeakMemory() as peak:
            work()
        return peak.bytes


def unpack(request):
    """Task and data of a request."""
    return from_json(request["task"]), load(request["folder"], request["memory_map"])


def settle():
    """Wait until this process is idle.

    The threads of a library spin before they sleep, OpenBLAS's for a tenth of a
    second, and would take a core from whoever comes next.
    """
    for _ in range(50):
        used = time.process_time()
        time.sleep(0.02)
        if time.process_time() - used < 0.002:
            return


def prepare(peer, task, data):
    """Function that does the task."""
    kind = peer.training if isinstance(task, Training) else peer.prediction
    return kind(task, data)


if __name__ == "__main__":
    server = Server(peers_of(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(server.answer(json.loads(line))), flush=True)
