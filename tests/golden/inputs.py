"""Weights from an integer hash, and real images: the same numbers on every machine and with every version of PyTorch."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from resnet import Site, set_tensors, tensors

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample"
# How far from its drawn value a beta may move while zero is put into a gap.
WINDOW = 0.1


def uniform(seed, first, count):
    """Numbers in (-1, 1): SplitMix64's output `first`, `first + 1`, ... of this seed, upper 24 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) + 0.5) / 2.0**23 - 1.0


def draw(model, seed):
    """A value for every tensor, float32 numbers held as float64, drawn one after the other in the model's order."""
    values, first = {}, 0
    for name, tensor in tensors(model).items():
        u = uniform(seed, first, tensor.numel())
        first += tensor.numel()
        value = scaled(name, tensor, u).astype(np.float32).astype(np.float64)
        values[name] = torch.from_numpy(value.reshape(tuple(tensor.shape)))
    return values


def scaled(name, tensor, u):
    """`u` brought to the tensor's usual size."""
    if tensor.dim() == 4:  # He: variance 2 / fan-in, and a uniform number in (-1, 1) has the variance 1/3
        return u * np.sqrt(6.0 / tensor[0].numel())
    if tensor.dim() == 2:
        return u * np.sqrt(3.0 / tensor.shape[1])
    if name.endswith("running_var"):  # a factor, see settle
        return 1.0 + 0.5 * u
    if ".act" in name or name.startswith("act"):  # prelu's slope
        return 0.25 + 0.1 * u
    if name.endswith("weight"):  # gamma
        return 1.0 + 0.25 * u
    return 0.2 * u  # beta, running mean, the linear layer's bias


def settle(model, values, images):
    """Fits the drawn values to the images, in one forward pass in the model's mode. Changes `values`.

    The running statistics become those of the batch norm's input, moved by what was drawn: mean + drawn * std and
    variance * drawn. Each beta before an activation moves by at most WINDOW, so that zero lies in the middle of the widest
    gap between its channel's pre-activations: rounding can then change no side of a kink."""
    names = {id(module): name for name, module in model.named_modules()}

    def fit_statistics(bn, args):
        x, name = args[0].transpose(0, 1).flatten(1), names[id(bn)]
        variance = x.var(1, correction=0)
        mean = x.mean(1) + values[f"{name}.running_mean"] * variance.sqrt()
        for kind, value in (("mean", mean), ("var", variance * values[f"{name}.running_var"])):
            values[f"{name}.running_{kind}"] = value.float().double()
            getattr(bn, f"running_{kind}").copy_(values[f"{name}.running_{kind}"])

    def listen(bn, z):
        beta = bn.bias.detach()
        free = (z - beta.view(1, -1, 1, 1)).transpose(0, 1).flatten(1)
        moved = torch.stack([widest_gap(-row, b.item()) for row, b in zip(free, beta)]).float().double()
        values[f"{names[id(bn)]}.bias"] = moved
        return z + (moved - beta).view(1, -1, 1, 1)

    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(fit_statistics) for norm in norms]
    run(model, values, images, listen)
    for hook in hooks:
        hook.remove()


def run(model, values, images, listen):
    """A forward pass in which `listen` stands before each activation; the model is left with `values`."""
    Site.listen = staticmethod(listen)
    with torch.no_grad():
        model(images)
    Site.listen = None
    set_tensors(model, values)


def widest_gap(points, centre):
    """The middle of the widest gap that `points` leave in centre - WINDOW ..= centre + WINDOW."""
    low, high = centre - WINDOW, centre + WINDOW
    inside = points[(points > low) & (points < high)].sort().values
    ends = torch.cat([torch.tensor([low]).double(), inside, torch.tensor([high]).double()])
    at = int(torch.argmax(ends[1:] - ends[:-1]))
    return (ends[at] + ends[at + 1]) / 2


def pre_activations(model, values, images):
    """What goes into each activation, one tensor a site, as float64."""
    seen = []

    def listen(_, z):
        seen.append(z.double())
        return z

    run(model, values, images, listen)
    return seen


def batch(count):
    """Test images 0, 11, 22, ... of the bundled sample, N,3,32,32, and their labels. Each image is standardised by its own
    mean and population standard deviation (+ 1e-7) over all 3,072 values; float32 numbers held as float64."""
    about = json.loads((SAMPLE / "labels.json").read_text())
    sheet = np.asarray(Image.open(SAMPLE / "test.png").convert("RGB"), dtype=np.float64) / 255.0
    images, labels = [], []
    for index in range(0, 11 * count, 11):
        row, column = divmod(index, about["columns"])
        image = sheet[32 * row : 32 * row + 32, 32 * column : 32 * column + 32].transpose(2, 0, 1)
        images.append((image - image.mean()) / (image.std() + 1e-7))
        labels.append(about["test"][index])
    images = np.stack(images).astype(np.float32).astype(np.float64)
    return torch.from_numpy(images), torch.tensor(labels, dtype=torch.int64)
