"""Measures wgrad beside PyTorch and Burn: all sides take turns, several rounds, medians in one page of tables. Writes tables,
every JSON line and the machine's description into a folder. Needs Python 3.9 and nothing else; variables:
"""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import machine
import parts
from settings import BURN, ROOT, VARIABLES, Failure, Settings
from sides import Bench, say


def build(*flags):
    if subprocess.run(["cargo", "build", "--release", *flags], cwd=ROOT, check=False).returncode != 0:
        raise Failure(f"cargo build --release {' '.join(flags)} failed: see its message above")


def programs(settings):
    """Builds what is to be measured; gives wgrad's path."""
    if settings.build_burn:
        say("building Burn (many minutes the first time)")
        build("--manifest-path", str(BURN.parents[2].relative_to(ROOT) / "Cargo.toml"))
    if settings.wgrad:
        return settings.wgrad
    build()
    return ROOT / "target/release/wgrad"


def unused(folder):
    """The folder, or the first of folder-2, folder-3, ... that does not exist."""
    candidates = [folder, *(folder.with_name(f"{folder.name}-{count}") for count in range(2, 1000))]
    return next(candidate for candidate in candidates if not candidate.exists())


def measure(settings, wgrad):
    """All parts; gives the folder and the sentences about what failed."""
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        device = machine.device(Bench(settings, wgrad, nothing, nothing))
    software = device["type"] == "software"
    settings.torch_device = settings.torch_device or ("cpu" if software or not machine.has_cuda(settings) else "cuda")
    today = datetime.date.today().isoformat()
    folder = unused(settings.out or ROOT / "assets/results" / f"{today}-{machine.slug(device)}")
    folder.mkdir(parents=True)
    failures = []
    with open(folder / "bench.jsonl", "w", encoding="utf-8") as log, open(folder / "stderr.txt", "w", encoding="utf-8") as errors:
        bench = Bench(settings, wgrad, log, errors)
        page = machine.description(bench, device, today)
        (folder / "machine.txt").write_text(page, encoding="utf-8")
        say(page)
        with open(folder / "tables.md", "w", encoding="utf-8") as tables:
            for name in settings.parts:
                say(name)
                done, failed = parts.run(bench, name)
                failures += failed
                for table in done:
                    print(f"\n{table}", flush=True)
                    tables.write(f"{table}\n")
                    tables.flush()
    return folder, failures


def main():
    if len(sys.argv) > 1:
        print(f"{__doc__}\n{VARIABLES}")
        return 0
    try:
        settings = Settings.read()
        folder, failures = measure(settings, programs(settings))
    except Failure as failure:
        say(f"bench: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"\nlogs: {folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder}")
    for failure in failures:
        say(f"failed: {failure}")
    return 1 if failures else 0


sys.exit(main())
