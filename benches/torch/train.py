#!/usr/bin/env python3
"""Times training steps of a CIFAR ResNet in PyTorch, on random images that lie on the device: what wgrad is measured against.

One JSON line a variant: memory layouts on a CPU; eager and compiled, each in fp32 (TF32 off), tf32 and amp (bf16 autocast), on
a CUDA card. With --listen the one variant that is asked for is made ready, and then timed once for each number of steps that
comes on stdin.
"""

import argparse
import itertools
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from resnet import ACTIVATIONS, ResNet


def device_name(device):
    if device == "cuda":
        return torch.cuda.get_device_name()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "CPU")


class Subject:
    """A network in training, warmed up."""

    def __init__(self, args, layout, precision, compiled):
        self.args, self.precision = args, precision
        self.description = {"layout": layout, "precision": precision, "compiled": compiled}
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.benchmark = True
        torch.manual_seed(1)
        format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        model = ResNet(args.depth, args.width, args.activation).to(args.device, memory_format=format).train()
        mode = "reduce-overhead" if args.device == "cuda" else "default"
        self.model = torch.compile(model, mode=mode) if compiled else model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4, fused=True)
        self.images = torch.randn(args.batch, 3, 32, 32, device=args.device).to(memory_format=format)
        self.labels = torch.randint(0, 10, (args.batch,), device=args.device)
        started = time.perf_counter()
        self.first_loss = self.step().item()
        self.wait()
        self.first_step_s = time.perf_counter() - started
        for _ in range(args.warmup - 1):
            self.step()
        self.wait()
        if args.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.warmup_s = time.perf_counter() - started

    def wait(self):
        if self.args.device == "cuda":
            torch.cuda.synchronize()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.args.device, dtype=torch.bfloat16, enabled=self.precision == "amp"):
            loss = F.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def measure(self, steps):
        """Seconds of steps that are waited for, and of as many that are not."""
        times = []
        for _ in range(steps):
            started = time.perf_counter()
            self.step()
            self.wait()
            times.append(time.perf_counter() - started)
        started = time.perf_counter()
        for _ in range(steps):
            loss = self.step()
        self.wait()
        pipelined = (time.perf_counter() - started) / steps
        args, median = self.args, statistics.median(times)
        return {
            "peer": "torch", "version": torch.__version__, "device": device_name(args.device), "threads": torch.get_num_threads(),
            "model": f"resnet{args.depth}", "width": args.width, "activation": args.activation, "batch": args.batch,
            **self.description, "steps": steps, "median_step_s": median, "images_per_second": args.batch / median,
            "pipelined_step_s": pipelined, "warmup_s": self.warmup_s, "first_step_s": self.first_step_s,
            "first_loss": self.first_loss, "last_loss": loss.item(),
            "peak_device_bytes": torch.cuda.max_memory_allocated() if args.device == "cuda" else None,
        }


def sgemm(args, size):
    """Median GFLOP/s of a square f32 matrix product, TF32 off."""
    torch.backends.cuda.matmul.allow_tf32 = False
    a, b = (torch.randn(size, size, device=args.device) for _ in range(2))
    times = []
    for _ in range(3 + args.steps):
        started = time.perf_counter()
        a @ b
        if args.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    gflops = 2 * size**3 / statistics.median(times[3:]) / 1e9
    return {"peer": "torch", "version": torch.__version__, "device": device_name(args.device), "threads": torch.get_num_threads(),
            "sgemm": size, "gflops": gflops}


def show(row):
    print(json.dumps(row), flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--depth", type=int, default=56)
    parser.add_argument("--width", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--activation", choices=ACTIVATIONS, default="relu")
    parser.add_argument("--layout", nargs="+", choices=["channels_last", "nchw"])
    parser.add_argument("--precision", nargs="+", choices=["fp32", "tf32", "amp"])
    parser.add_argument("--compiled", nargs="+", choices=["no", "yes"])
    parser.add_argument("--threads", type=int, help="threads of a CPU [default: all cores]")
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed")
    parser.add_argument("--warmup", type=int, help="steps before them, at least 1 [default: 3, on a card 15]")
    parser.add_argument("--listen", action="store_true", help="time again for each number of steps on stdin")
    parser.add_argument("--sgemm", type=int, metavar="N", help="time a product of N x N matrices instead")
    args = parser.parse_args()
    if args.depth < 8 or args.depth % 6 != 2:
        parser.error(f"--depth {args.depth}: expected 6n + 2 from 8 on, such as 20 or 56")
    cuda = args.device == "cuda"
    args.warmup = (15 if cuda else 3) if args.warmup is None else args.warmup
    if min(args.batch, args.steps, args.warmup, args.width) < 1:
        parser.error("--batch, --steps, --warmup and --width must be at least 1")
    args.layout = args.layout or (["nchw"] if cuda else ["channels_last", "nchw"])
    args.precision = args.precision or (["fp32", "tf32", "amp"] if cuda else ["fp32"])
    args.compiled = args.compiled or (["no", "yes"] if cuda else ["no"])
    if args.listen and max(len(args.layout), len(args.precision), len(args.compiled)) > 1:
        parser.error("--listen times one variant: give one --layout, one --precision and one --compiled")
    return args


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.sgemm:
        return show(sgemm(args, args.sgemm))
    for compiled, precision, layout in itertools.product(args.compiled, args.precision, args.layout):
        try:
            subject = Subject(args, layout, precision, compiled == "yes")
            if not args.listen:
                show(subject.measure(args.steps))
                continue
            show({"peer": "torch", "ready": True, "warmup_s": subject.warmup_s, "first_step_s": subject.first_step_s})
            for line in sys.stdin:
                show(subject.measure(max(1, int(line))))
        except Exception as error:  # what cannot run, a compiled variant without a compiler say, is a row too
            show({"peer": "torch", "layout": layout, "precision": precision, "compiled": compiled == "yes", "error": str(error)[:300]})


main()
