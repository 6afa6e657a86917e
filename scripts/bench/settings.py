"""What a bench measures and how long: environment variables, checked."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BURN = ROOT / "benches/burn/target/release/burn-peer"
TORCH = ROOT / "benches/torch/train.py"
PARTS = ("peers", "activations", "scaling", "kernels", "startup")
PEERS = ("torch", "burn")

VARIABLES = """\
PARTS         what is measured [default: peers activations scaling kernels startup]
PEERS         torch and burn, in any combination, or none [default: what is there: torch if PYTHON has it, burn if it is built];
              a burn that is asked for is built first, which takes long
BENCH_ROUNDS  rounds in which the sides take turns [default: 5]
BENCH_STEPS   steps that are timed in a round [default: as many as fill BENCH_SECONDS, 3 to 200]
BENCH_SECONDS seconds of a side in a round [default: 8]
BATCH         images of a step [default: 32]
PYTHON        Python with benches/torch/requirements.txt [default: python3]
TORCH_DEVICE  cpu or cuda [default: cuda where there is one and wgrad's device is no software driver]
WGRAD         program to measure instead of the one that is built here
RUN           what starts wgrad and burn, for example the wrapper of a driver
OUT           folder of the logs [default: assets/results/DATE-DEVICE]"""


class Failure(Exception):
    """What went wrong, in one sentence."""


def number(name, default, kind=int):
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise Failure(f"{name}={text}: expected a number above 0")
    return value


def words(name, known):
    """The variable's words, each one of those that are known; None where it is not set."""
    text = os.environ.get(name, "").replace(",", " ").split()
    wrong = [word for word in text if word not in known and word != "none"]
    if wrong:
        raise Failure(f"{name}={wrong[0]}: expected {' '.join(known)} or none")
    return [word for word in text if word != "none"] if text else None


def has_torch(python):
    found = shutil.which(python)
    return bool(found) and subprocess.run([found, "-c", "import torch"], capture_output=True, check=False).returncode == 0


@dataclass
class Settings:
    """All variables, resolved."""

    parts: list
    peers: list
    build_burn: bool
    rounds: int
    steps: int | None
    seconds: float
    batch: int
    python: str
    torch_device: str | None
    wgrad: Path | None
    run: list
    out: Path | None

    @classmethod
    def read(cls):
        python = os.environ.get("PYTHON", "").strip() or "python3"
        asked = words("PEERS", PEERS)
        if asked is None:
            peers = [peer for peer, there in (("torch", has_torch(python)), ("burn", BURN.exists())) if there]
        else:
            peers = asked
            if "torch" in peers and not has_torch(python):
                raise Failure(f"PEERS=torch: {python} has no PyTorch: run pip install -r benches/torch/requirements.txt and set PYTHON")
        device = os.environ.get("TORCH_DEVICE", "").strip() or None
        if device not in (None, "cpu", "cuda"):
            raise Failure(f"TORCH_DEVICE={device}: expected cpu or cuda")
        wgrad, out = (os.environ.get(name, "").strip() for name in ("WGRAD", "OUT"))
        if wgrad and not Path(wgrad).is_file():
            raise Failure(f"WGRAD={wgrad}: there is no such file")
        return cls(
            parts=words("PARTS", PARTS) or list(PARTS), peers=peers, build_burn=bool(asked) and "burn" in asked,
            rounds=number("BENCH_ROUNDS", 5), steps=number("BENCH_STEPS", None), seconds=number("BENCH_SECONDS", 8.0, float),
            batch=number("BATCH", 32), python=python, torch_device=device, wgrad=Path(wgrad).resolve() if wgrad else None,
            run=shlex.split(os.environ.get("RUN", "")), out=Path(out) if out else None,
        )
