"""What is measured, a function for each part: each gives tables and the sentences about what failed."""

import statistics
import tempfile

from settings import Failure
from sides import CACHES, BesideRelu, Wgrad, burn, say, torch
from table import Table, median, mib, ratio, show, spread, thousandths
from turns import take_turns

SGEMM = 2048
STAGES = ("device_open_s", "tuned_s", "pipelines_ready_s", "first_step_s")


def torch_sides(bench, *flags, activation="relu"):
    """PyTorch on the CPU in both memory layouts; on a CUDA card eager and compiled, each in three precisions."""
    common = ("--device", bench.settings.torch_device, "--batch", str(bench.settings.batch), "--activation", activation, *flags)

    def side(label, layout, precision, compiled):
        variant = ("--layout", layout, "--precision", precision, "--compiled", "yes" if compiled else "no")
        return torch(bench, f"PyTorch {label}, {activation}", *common, *variant)

    if bench.settings.torch_device == "cpu":
        return [side("CPU, channels_last", "channels_last", "fp32", False), side("CPU, NCHW", "nchw", "fp32", False)]
    variants = [(compiled, precision) for compiled in (False, True) for precision in ("fp32", "tf32", "amp")]
    return [side(f"CUDA, {'compiled' if compiled else 'eager'}, {precision}", "nchw", precision, compiled) for compiled, precision in variants]


def peers(bench):
    """The same training step in every program."""
    batch = str(bench.settings.batch)
    own = Wgrad(bench, "wgrad", "--model", "resnet56", "--batch", batch)
    sides = [own]
    sides += torch_sides(bench) if "torch" in bench.settings.peers else []
    sides += [burn(bench, "Burn, wgpu", "--batch", batch)] if "burn" in bench.settings.peers else []
    failures = take_turns(bench, "peers", sides)
    table = Table(
        f"ResNet-56, relu, batch {batch}, one training step",
        "program", "images/s", "least..most", "ms a step", "ms, several under way", "MiB", "first step s", "warm-up s", "wgrad's speed, times its",
    )
    for side in sides:
        rows = side.rows
        if rows:
            table.add(
                side.label, median(rows, "images_per_second"), spread(rows, "images_per_second"), thousandths(median(rows, "median_step_s")),
                thousandths(median(rows, "pipelined_step_s")), mib(median(rows, "peak_device_bytes")), median(rows, "first_step_s"),
                median(rows, "warmup_s"), None if side is own else ratio(rows, own.rows),
            )
    return [table, parts_of_a_step(own, batch)], failures


def parts_of_a_step(own, batch):
    """What wgrad tells about its own step."""
    table = Table(f"wgrad's step, ResNet-56, relu, batch {batch}", "of a step", "median", "unit")
    for label, key, factor, unit in (
        ("waited for", "median_step_s", 1e3, "ms"), ("several under way", "pipelined_step_s", 1e3, "ms"),
        ("by the device's clock", "gpu_step_s", 1e3, "ms"), ("host: encoding and submitting", "host_step_s", 1e3, "ms"),
        ("convolutions and linear layers", "gflops", 1, "GFLOP/s"), ("dispatches", "dispatches_per_step", 1, ""),
        ("buffers on the device", "device_bytes", 2**-20, "MiB"), ("most at once", "peak_device_bytes", 2**-20, "MiB"),
    ):
        value = median(own.rows, key)
        table.add(label, None if value is None else value * factor, unit)
    return table


def activations(bench):
    """What a stochastic activation costs."""
    names, batch = ("dropact", "rrelu"), str(bench.settings.batch)
    # Dropout at every site, as the replication of DropActivation has it.
    own = (*names, "dropout:rate=0.4")
    sides = [BesideRelu(bench, name, "--model", "resnet56", "--batch", batch, "--activation", name) for name in own]
    failures = take_turns(bench, "activations", sides)
    table = Table(f"ResNet-56, batch {batch}, by activation", "program", "activation", "images/s", "ms a step", "times relu's", "least..most")

    def add(program, name, rows, ratios):
        if ratios:
            table.add(
                program, name, median(rows, "images_per_second"), thousandths(median(rows, "median_step_s")),
                f"{statistics.median(ratios):.3f}", f"{min(ratios):.3f}..{max(ratios):.3f}",
            )

    for name, side in zip(own, sides):
        add("wgrad", name, side.rows, [row["times_relu"] for row in side.rows])
    if "torch" in bench.settings.peers:
        plain, *others = peers = [torch_sides(bench, activation=name)[0] for name in ("relu", *names)]
        failures += take_turns(bench, "activations", peers)
        for name, side in zip(names, others):
            add("PyTorch", name, side.rows, [row["median_step_s"] / base["median_step_s"] for row, base in zip(side.rows, plain.rows)])
    return [table], failures


def scaling(bench):
    """How a step's cost grows with batch, depth and width."""
    groups = {
        "Batch": [("resnet56", 1, batch) for batch in (8, 16, 32, 64, 128, 256)],
        "Depth": [(f"resnet{depth}", 1, 32) for depth in (20, 32, 44, 56, 110)],
        "Width": [("resnet20", width, 32) for width in (1, 2, 4)],
    }
    tables, failures = [], []
    for name, group in groups.items():
        sides = []
        for model, width, batch in group:
            flags = ("--model", model, "--batch", str(batch), "--set", f"width={width}")
            sides.append(Wgrad(bench, f"{model}, width {width}, batch {batch}", *flags))
        failures += take_turns(bench, "scaling", sides)
        columns = ("images/s", "ms a step", "GFLOP/s", "GFLOP/s, times the first", "dispatches", "MiB", "host ms", "first step s")
        table = Table(f"{name}, relu", "network", *columns)
        for side in sides:
            if side.rows and sides[0].rows:
                table.add(
                    side.label, median(side.rows, "images_per_second"), thousandths(median(side.rows, "median_step_s")),
                    median(side.rows, "gflops"), ratio(side.rows, sides[0].rows, "gflops"), median(side.rows, "dispatches_per_step"),
                    mib(median(side.rows, "device_bytes")), thousandths(median(side.rows, "host_step_s")), median(side.rows, "first_step_s"),
                )
        tables.append(table)
    return tables, failures


def kernels(bench):
    """Each convolution kernel by shape and direction, against the machine's own matrix product."""
    settings, products, found = bench.settings, [], {}
    steps = ("--steps", str(settings.steps)) if settings.steps else ()
    command = bench.wgrad_command("bench", "kernels", "--json", "--batch", str(settings.batch), *steps)
    product = [settings.python, "benches/torch/train.py", "--device", settings.torch_device, "--sgemm", str(SGEMM)]
    for round in range(1, settings.rounds + 1):
        say(f"  round {round} of {settings.rounds}")
        if "torch" in settings.peers:
            row = bench.documents(product)[0]
            bench.record("kernels", round, product, row)
            products.append(row["gflops"])
        for row in bench.documents(command):
            bench.record("kernels", round, command, row)
            key = tuple(str(row.get(name, "-")) for name in ("kernel", "candidate", "shape", "direction"))
            found.setdefault(key, []).append(row)
    sgemm = statistics.median(products) if products else None
    against = f"sgemm of {SGEMM}: {show(sgemm)} GFLOP/s" if sgemm else "no PyTorch, so no sgemm to compare with"
    table = Table(f"Kernels ({against})", "kernel", "candidate", "shape", "direction", "GFLOP/s", "of sgemm", "x naive")
    for key, rows in found.items():
        gflops = median(rows, "gflops")
        share = f"{100 * gflops / sgemm:.0f} %" if sgemm and gflops else None
        table.add(*key, gflops, share, median(rows, "times_naive"))
    return [table], []


def startup(bench):
    """From the opening of the device to the end of the first step, with the caches of driver and program empty, then filled."""
    flags = ("--model", "resnet56", "--batch", str(bench.settings.batch))
    rows = {"empty": [], "filled": []}
    command = bench.wgrad_command("bench", "step", "--json", "--steps", "1", *flags)
    for round in range(1, bench.settings.rounds + 1):
        say(f"  round {round} of {bench.settings.rounds}")
        with tempfile.TemporaryDirectory() as folder:
            for name, own in rows.items():
                row = {"caches": name, **bench.documents(command, dict.fromkeys(CACHES, folder))[0]}
                row["start_s"] = sum(row[key] for key in STAGES)
                bench.record("startup", round, command, row)
                own.append(row)
    columns = ("caches", "device open s", "kernels chosen s", "pipelines ready s", "first step s", "sum", "a later step s")
    table = Table(f"Start of ResNet-56, batch {bench.settings.batch}", *columns)
    for name, own in rows.items():
        table.add(name, *(median(own, key) for key in (*STAGES, "start_s", "median_step_s")))
    return [table], []


def run(bench, name):
    """A part by its name; what makes it impossible as a whole becomes its one failure."""
    try:
        return globals()[name](bench)
    except Failure as failure:
        say(f"  {failure}")
        return [], [str(failure)]
