"""Compares a file written by `wgrad step` with the expected one, tensor by tensor; exit 1 where a bound is passed.

    python tests/golden/compare.py OUTPUT.safetensors tests/golden/resnet20-relu-A-train.expected.safetensors
"""

import argparse
import json
import math
import sys

from safetensors import safe_open
from safetensors.torch import load_file

from measure import FACTOR, group, relative_error, worst


def verdict(name, got, expected, bound):
    """A line of the table, and the error; NaN where there is nothing to compare. A loss may be one number of any rank."""
    if got is None:
        return f"{name:45} missing", math.nan
    if got.shape != expected.shape and not got.numel() == expected.numel() == 1:
        return f"{name:45} expected shape {list(expected.shape)}, got {list(got.shape)}", math.nan
    got, expected = got.double().flatten(), expected.double().flatten()
    error, largest = relative_error(got, expected), (got - expected).abs().max().item()
    return f"{name:45} {error:12.2e} {bound:8.0e} {largest:12.2e}{'' if error <= bound else '  TOO LARGE'}", error


def row(case, errors, yardstick, wrong):
    """A line of Markdown: the worst tensor of each group, ours and that of PyTorch's own float32."""
    found = worst(errors)
    kinds = ("values", "gradients", "slopes")
    cells = [f"{found[kind][0]:.1e} / {yardstick[kind]:.1e}" if kind in found else "" for kind in kinds]
    place = found.get("gradients", (0.0, "none"))[1].removeprefix("grad.")
    return " | ".join([f"| {case}", *cells, place, f"{len(errors) - wrong} of {len(errors)} |"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="written by wgrad step")
    parser.add_argument("expected", help="written by generate.py")
    parser.add_argument("--row", metavar="CASE", help="only what is wrong, and a row of compare_all.sh's table")
    options = parser.parse_args()
    got, expected = load_file(options.output), load_file(options.expected)
    with safe_open(options.expected, "pt") as file:
        yardstick = json.loads(file.metadata()["golden"])["float32_errors"]
    if not options.row:
        print(f"{'tensor':45} {'||e||/||v||':>12} {'bound':>8} {'max error':>12}")
    wrong, errors = 0, {}
    for name, value in expected.items():
        bound = FACTOR * yardstick[group(name)]
        line, errors[name] = verdict(name, got.get(name), value, bound)
        ok = errors[name] <= bound  # false for NaN
        wrong += not ok
        if not (ok and options.row):
            print(line)
    for name in got.keys() - expected.keys():
        print(f"{name:45} not compared: not in the expected file")
    print(row(options.row, errors, yardstick, wrong) if options.row else f"{len(expected)} tensors, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
