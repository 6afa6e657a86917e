"""Exports networks with wgrad and compares their logits in onnxruntime and PyTorch with wgrad's own; exit 1 where one differs.

    python tests/interop/logits.py [--wgrad target/release/wgrad] [--only PATTERN]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))
import resnet  # noqa: E402
from inputs import batch, draw, settle  # noqa: E402

# Of the largest logit where that is above 1, else absolute.
LARGEST = 1e-4
IMAGES = 16
# Models and settings, each with a few activations; resnet20 of option A has every activation.
MODELS = (
    ("resnet20", "A", ()),
    ("resnet20", "B", ("relu", "silu")),
    ("resnet56", "A", ("relu", "dropact", "rrelu")),
)
# Models and activations with tensors of their own: weights of a few steps of training.
TRAINED = (
    ("resnet20", "A", "prelu"),
    ("resnet20", "A", "prelu:share=channel"),
    ("resnet20", "A", "probact_learned"),
    ("resnet20", "A", "crelu"),
    ("resnet20", "B", "maxout"),
    ("resnet20_seed", "A", "relu"),
    ("resnet_v1_20", "A", "relu"),
    ("resnet_v2_20", "A", "rrelu"),
    ("wrn_10_2", "A", "relu"),
    ("mlp", "A", "elu"),
    ("mlp_bn", "A", "selu"),
    ("mlp_bn_5x64", "A", "maxout:pieces=3"),
)
# What those are trained with besides: what drops must be gone.
REGULARIZED = ["--set", "regularize.residual=stochastic_depth", "--set", "regularize.drop=dropout:rate=0.3"]


def every_activation(wgrad):
    rows = json.loads(subprocess.run([wgrad, "activations", "--json"], check=True, capture_output=True).stdout)
    own = {spec.partition(":")[0] for _, _, spec in TRAINED}
    return [row["name"] for row in rows if row["name"] not in own]


def trained(wgrad, model, option, spec, folder):
    """A network after three steps on the sample, as wgrad's own checkpoint; and its settings."""
    run_folder = folder / f"run-{len(list(folder.iterdir()))}"
    settings = ["--model", model, "--activation", spec, "--set", f"option={option.lower()}"]
    settings += REGULARIZED if model.startswith("wrn") else []
    rate = ["--set", "optimizer.lr=0.01", "--tune", "off", "--steps", 3, "--batch", 32]
    run(wgrad, "train", "--quiet", "--out", run_folder, *rate, *settings)
    return run_folder / "checkpoints" / "last.safetensors", settings


def weights(model, option, folder):
    """Drawn weights, fitted to the images so that no logit runs away, as a safetensors file; and the network in PyTorch."""
    network = resnet.ResNet(model, "relu", option).double().eval()
    images, _ = batch(IMAGES)
    values = draw(network, 11)
    resnet.set_tensors(network, values)
    settle(network, values, images)
    path = folder / f"{model}-{option}.safetensors"
    save_file({name: value.float().numpy() for name, value in values.items()}, path)
    return path


def run(wgrad, *arguments):
    done = subprocess.run([wgrad, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"wgrad {' '.join(map(str, arguments))}: {done.stderr}")


def own_logits(wgrad, source, images, settings, folder):
    save_file({"images": images, "labels": np.zeros(len(images), np.int64)}, folder / "batch.safetensors")
    out = folder / "out.safetensors"
    run(wgrad, "step", "--weights", source, "--batch", folder / "batch.safetensors", "--out", out, "--mode", "eval", *settings)
    return load_file(out)["logits"]


def onnx_logits(path, images):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images})[0], model.opset_import[0].version


def torch_logits(path, model, option, spec, images):
    """None where the PyTorch network has no such activation."""
    name = spec.partition(":")[0]
    if name not in resnet.ACTIVATIONS or not model.removeprefix("resnet").isdigit() or "share" in spec:
        return None
    network = resnet.ResNet(model, spec, option).eval()
    network.load_state_dict(load_torch(path), strict=True)
    with torch.no_grad():
        return network(torch.from_numpy(images)).numpy()


def compare(options, folder, model, option, spec, source, settings, images):
    own = own_logits(options.wgrad, source, images, settings, folder)
    files = [folder / "network.onnx", folder / "network.safetensors"]
    for path in files:
        run(options.wgrad, "export", source, "--to", path, *settings)
    through_onnx, opset = onnx_logits(files[0], images)
    through_torch = torch_logits(files[1], model, option, spec, images)
    others = [through_onnx, through_torch]
    errors = [None if other is None else float(np.abs(other - own).max()) for other in others]
    size = float(np.abs(own).max())
    ok = all(error is None or error <= LARGEST * max(size, 1.0) for error in errors)
    shown = ["-" if error is None else f"{error:.1e}" for error in errors]
    print(f"| {model} | {option} | `{spec}` | {opset} | {size:.2f} | {shown[0]} | {shown[1]} | {'ok' if ok else 'WRONG'} |", flush=True)
    return ok


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wgrad", default=str(ROOT / "target/release/wgrad"))
    parser.add_argument("--only", default="", help="only rows whose model and activation have this in them")
    options = parser.parse_args()
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, torch {torch.__version__}; {IMAGES} images\n")
    print("| model | option | activation | opset | largest logit | onnxruntime - wgrad | torch (strict) - wgrad | |")
    print("|---|---|---|---|---|---|---|---|")
    images = np.ascontiguousarray(batch(IMAGES)[0].float().numpy())
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model, option, specs in MODELS:
            source = weights(model, option, folder)
            for spec in specs or every_activation(options.wgrad):
                if options.only in f"{model} {spec}":
                    settings = ["--model", model, "--activation", spec, "--set", f"option={option.lower()}"]
                    wrong += not compare(options, folder, model, option, spec, source, settings, images)
        for model, option, spec in TRAINED:
            if options.only in f"{model} {spec}":
                source, settings = trained(options.wgrad, model, option, spec, folder)
                wrong += not compare(options, folder, model, option, spec, source, settings, images)
    print(f"\n{'all within' if not wrong else f'{wrong} beyond'} {LARGEST:.0e}; onnx.checker passes with full shape inference")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
