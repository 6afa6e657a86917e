"""On what it was measured."""

import json
import os
import platform
import re
import subprocess

from settings import ROOT, VARIABLES, Failure


def output(*command):
    """What a command prints; nothing where it cannot run."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def device(bench):
    """The device that wgrad takes, as `wgrad devices` lists it."""
    rows = bench.documents(bench.wgrad_command("devices", "--json"))
    found = next((row for row in rows if row.get("default")), None)
    if found is None:
        raise Failure("wgrad finds no device: see wgrad devices")
    return found


def has_cuda(settings):
    """Whether the Python of the settings has a PyTorch that finds a CUDA card."""
    return output(settings.python, "-c", "import torch; print(torch.cuda.is_available())") == "True"


def slug(row):
    """A name for a folder: the card's, or a software driver's with its version."""
    name = row["driver"] if row["type"] == "software" else row["name"]
    return re.sub(r"[^a-z0-9.]+", "-", re.sub(r"\(.*", "", name).lower()).strip("-") or "device"


def processor():
    model = re.search(r"^Model name:\s*(.+)$", output("lscpu"), re.MULTILINE)
    return model.group(1) if model else platform.processor() or platform.machine()


def description(bench, row, today):
    """Machine, driver, version and settings, one a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    commit, changed = output("git", "rev-parse", "--short=12", "HEAD"), output("git", "status", "--porcelain", "--untracked-files=no")
    names = [line.split()[0] for line in VARIABLES.splitlines() if not line.startswith(" ")]
    chosen = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name) and name not in ("PYTHON", "RUN", "WGRAD", "OUT")]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = ", so these figures do not count: end the other programs first" if load > 0.25 * (os.cpu_count() or 1) else ""
    return "\n".join([
        f"date: {today}",
        f"processor: {processor()}, {os.cpu_count()} threads, {memory:.0f} GiB",
        f"system: {platform.system()} {platform.release()}",
        f"device: {json.dumps({key: row[key] for key in ('name', 'backend', 'type', 'driver')})}",
        f"LP_NATIVE_VECTOR_WIDTH: {bench.environment.get('LP_NATIVE_VECTOR_WIDTH', 'not set')}",
        f"wgrad: {output(*bench.wgrad_command('--version'))}, commit {commit or 'unknown'}{' with changes' if changed else ''}",
        f"settings: {' '.join(chosen) or 'defaults'}",
        f"sides: wgrad {' '.join(bench.settings.peers)}",
        f"load before: {load:.2f} processes{busy}",
    ]) + "\n"
