"""Writes golden files for `wgrad step`: one forward and backward pass by PyTorch in float64.

    python tests/golden/generate.py --model resnet20 --activation relu --option A --mode train
"""

import argparse
import json
import re
from pathlib import Path

import torch
from safetensors.torch import save_file

import inputs
from measure import relative_error, worst
from resnet import ResNet, set_tensors, step


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet20", help="resnet20, resnet56 or another resnet{6n+2}")
    parser.add_argument("--activation", default="relu", help="relu, leaky_relu, elu or prelu, with :key=value,...")
    parser.add_argument("--option", choices=("A", "B"), default="A", help="shortcuts where the shape changes")
    parser.add_argument("--mode", choices=("train", "eval"), default="train", help="how batch norm acts")
    parser.add_argument("--batch", type=int, default=4, help="images, 2 to 90")
    parser.add_argument("--seed", type=int, default=1, help="of the weights")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    return parser.parse_args()


def build(options, values, dtype):
    model = ResNet(options.model, options.activation, options.option).to(dtype)
    model.train(options.mode == "train")
    if values is not None:
        set_tensors(model, values)
    return model


def save(path, values, note):
    # One metadata entry: the order of several is not fixed, and the files are to be the same every time.
    single = {n: v.float().contiguous() if v.is_floating_point() else v for n, v in values.items()}
    save_file(single, path, metadata={"golden": json.dumps(note, sort_keys=True)})


def main():
    options = arguments()
    torch.set_num_threads(1)
    images, labels = inputs.batch(options.batch)
    model = build(options, None, torch.float64)
    values = inputs.draw(model, options.seed)
    set_tensors(model, values)
    inputs.settle(model, values, images)
    exact = inputs.pre_activations(model, values, images)
    margin = min(z.abs().min().item() for z in exact)
    expected = step(model, images, labels)

    # The yardstick: the same step in PyTorch's own float32.
    model32 = build(options, values, torch.float32)
    rounded = inputs.pre_activations(model32, values, images.float())
    drift = max((a - b).abs().max().item() for a, b in zip(rounded, exact))
    single = step(model32, images.float(), labels)
    errors = {name: relative_error(single[name].double(), expected[name]) for name in expected}

    case = f"{options.model}-{re.sub('[^a-z0-9_.]', '_', options.activation)}-{options.option}-{options.mode}"
    note = {key: getattr(options, key) for key in ("model", "activation", "option", "mode", "batch", "seed")}
    note |= {"torch": torch.__version__, "smallest_pre_activation": margin}
    note["float32_errors"] = {group: error for group, (error, _) in worst(errors).items()}
    options.out.mkdir(parents=True, exist_ok=True)
    save(options.out / f"{case}.weights.safetensors", values, note)
    save(options.out / f"{case}.batch.safetensors", {"images": images, "labels": labels}, note)
    save(options.out / f"{case}.expected.safetensors", expected, note)

    print(f"{case}: loss {expected['loss'].item():.6f}, smallest |pre-activation| {margin:.1e}")
    print(f"  PyTorch float32 against float64: largest pre-activation error {drift:.1e}; ||error||/||value||: ", end="")
    print(f"logits {errors['logits']:.1e}", *(f"{g} {e:.1e} ({n})" for g, (e, n) in worst(errors).items()), sep=", ")


if __name__ == "__main__":
    main()
