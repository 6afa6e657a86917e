"""The programs that are measured. wgrad is started for each measurement; a peer is started once, because it warms up for
long, and waits on its stdin between its measurements."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from settings import BURN, ROOT, TORCH, Failure


# Where programs and drivers keep what they compiled.
CACHES = ("XDG_CACHE_HOME", "MESA_SHADER_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH", "TORCHINDUCTOR_CACHE_DIR", "LOCALAPPDATA")


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment():
    """What wgrad sets for itself, for all: lavapipe's widest vectors where the CPU has them."""
    own = dict(os.environ)
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        flags = ""
    if " avx512f" in flags:
        own.setdefault("LP_NATIVE_VECTOR_WIDTH", "512")
    return own


class Bench:
    """The programs' commands, and the log of all they print."""

    def __init__(self, settings, wgrad, log, errors):
        self.settings, self.wgrad, self.log, self.errors = settings, wgrad, log, errors
        self.environment = environment()
        self.started = time.monotonic()

    def shown(self, command):
        """The command as the log has it: without the places of this machine."""
        names = {str(self.wgrad): "wgrad", str(BURN): "burn-peer", str(TORCH): "benches/torch/train.py", self.settings.python: "$PYTHON"}
        rest = command[len(self.settings.run):] if self.settings.run and command[: len(self.settings.run)] == self.settings.run else None
        return " ".join((["$RUN"] if rest is not None else []) + [names.get(word, word) for word in (rest or command)])

    def record(self, part, round, command, row):
        entry = {"part": part, "round": round, "seconds": round_to(time.monotonic() - self.started), "command": self.shown(command), **row}
        self.log.write(json.dumps(entry) + "\n")
        self.log.flush()

    def wgrad_command(self, *words):
        return [*self.settings.run, str(self.wgrad), *words]

    def documents(self, command, extra=None):
        """What a command prints: its JSON documents, whether one a line or one in all."""
        environment = {**self.environment, **(extra or {})}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.errors.write(f"$ {self.shown(command)}\n{done.stderr}")
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            said = next((line for line in lines if line.startswith("error: ")), lines[-1])
            raise Failure(f"{self.shown(command)} ended with {done.returncode}: {said}")
        rows = []
        for line in done.stdout.splitlines():
            value = json.loads(line)
            rows.extend(value if isinstance(value, list) else [value])
        return rows


def round_to(seconds):
    return round(seconds, 2)


class Side:
    """One thing to be measured: a label, and the rows that it gave."""

    def __init__(self, label):
        self.label, self.rows, self.step_s = label, [], None

    def steps(self, settings):
        """As many steps as fill the seconds. Every program takes them twice: waited for, and several under way."""
        if settings.steps:
            return settings.steps
        if self.step_s is None:
            return 1
        return max(3, min(200, round(settings.seconds / self.step_s / 2)))

    def start(self):
        """Gets ready; may take minutes."""

    def stop(self):
        """Ends what was started."""


class Wgrad(Side):
    """`wgrad bench step` with these flags."""

    what = "step"

    def __init__(self, bench, label, *flags):
        super().__init__(label)
        self.bench, self.flags = bench, flags

    def measure(self, steps):
        command = self.bench.wgrad_command("bench", self.what, "--json", "--steps", str(steps), *self.flags)
        return command, self.bench.documents(command)[0]


class BesideRelu(Wgrad):
    """`wgrad bench activation`: steps with an activation and with relu take turns within one process."""

    what = "activation"


class Peer(Side):
    """A program that gives a row for each number of steps on its stdin. It starts with empty caches of its own and the driver's, as a
    first use does."""

    def __init__(self, bench, label, command):
        super().__init__(label)
        self.bench, self.command, self.process = bench, [*command, "--listen"], None
        self.caches = tempfile.TemporaryDirectory()

    def start(self):
        say(f"  {self.label}: warming up")
        environment = {**self.bench.environment, **dict.fromkeys(CACHES, self.caches.name)}
        self.process = subprocess.Popen(
            self.command, env=environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.bench.errors,
        )
        return self.command, self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        row = json.loads(line) if line.startswith("{") else {"error": f"ended with {self.process.wait()}, see stderr.txt"}
        if "error" in row:
            raise Failure(f"{self.label}: {row['error']}")
        return row

    def measure(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return self.command, self.answer()

    def stop(self):
        process, self.process = self.process, None
        if process:
            try:
                process.stdin.close()
                process.wait(timeout=20)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()
        self.caches.cleanup()


def torch(bench, label, *flags):
    return Peer(bench, label, [bench.settings.python, str(TORCH), *flags])


def burn(bench, label, *flags):
    return Peer(bench, label, [*bench.settings.run, str(BURN), *flags])
