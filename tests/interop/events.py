"""Trains a small network with `--tensorboard` and reads its events with TensorBoard's own reader; exit 1 where one is wrong.

    python tests/interop/events.py [--wgrad target/release/wgrad]
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
# Scalar: its key in metrics.jsonl.
SCALARS = {
    "loss/train": "train_loss",
    "accuracy/train": "train_accuracy",
    "loss/val": "val_loss",
    "accuracy/val": "val_accuracy",
    "lr": "lr",
    "images_per_second": "images_per_second",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wgrad", default=str(ROOT / "target/release/wgrad"))
    options = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        arguments = "train --quiet --tensorboard --model mlp_2x32 --epochs 3 --batch 100 --tune off --out".split()
        subprocess.run([options.wgrad, *arguments, run], check=True)
        events = EventAccumulator(str(run / "tensorboard")).Reload()
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        summary = json.loads((run / "summary.json").read_text())
        print(f"TensorBoard {VERSION}\n\n| event | steps | values | |\n|---|---|---|---|")

        def row(tag, steps, values, ok):
            wrong.extend([] if ok else [tag])
            print(f"| `{tag}` | {steps} | {values} | {'ok' if ok else 'WRONG'} |")

        for tag, key in SCALARS.items():
            got = [(event.step, event.value) for event in events.Scalars(tag)]
            want = [(line["step"], line[key]) for line in lines]
            same = all(a[0] == b[0] and abs(a[1] - b[1]) <= 1e-6 * abs(b[1]) for a, b in zip(got, want))
            row(tag, [step for step, _ in got], [f"{value:.4g}" for _, value in got], same and len(got) == len(want))
        for tag, key in (("loss/test", "test_loss"), ("accuracy/test", "test_accuracy")):
            value = events.Scalars(tag)[-1].value
            row(tag, [events.Scalars(tag)[-1].step], f"{value:.4g}", abs(value - summary[key]) <= 1e-6 * summary[key])
        for tag, size in (("images/train", (320, 128)), ("confusion/test", (160, 160))):
            event = events.Images(tag)[-1]
            image = Image.open(io.BytesIO(event.encoded_image_string))
            image.load()
            row(tag, [event.step], f"{image.size[0]} x {image.size[1]} PNG", image.size == size == (event.width, event.height))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
