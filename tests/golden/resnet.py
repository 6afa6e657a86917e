"""CIFAR ResNet v1 (He et al. 2015, section 4.2) in PyTorch, with the names of the usual PyTorch checkpoints."""

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = ("relu", "leaky_relu", "elu", "prelu")


def activation(spec):
    """The module of `name` or `name:key=value,...`, with wgrad's defaults, which are PyTorch's."""
    name, _, rest = spec.partition(":")
    values = {key: float(value) for key, value in (pair.split("=") for pair in rest.split(",") if pair)}
    kinds = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "prelu": nn.PReLU}
    if name not in kinds:
        raise SystemExit(f"unknown activation {name!r}: there are {', '.join(ACTIVATIONS)}")
    return kinds[name](**values)


class Site(nn.Module):
    """A place where an activation follows a batch norm; `listen`, where set, sees and may replace what goes in."""

    listen = None

    def apply_site(self, bn, act, x, shortcut=0.0):
        z = bn(x) + shortcut
        if Site.listen is not None:
            z = Site.listen(bn, z)
        return act(z)


class Block(Site):
    """act(bn2(conv2(act(bn1(conv1(x))))) + shortcut(x))."""

    def __init__(self, inputs, channels, stride, spec, option):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.act1, self.act2 = activation(spec), activation(spec)
        self.border = (channels - inputs) // 2
        if self.border and option == "B":
            conv = nn.Conv2d(inputs, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(channels))
        else:
            self.shortcut = self.identity

    def identity(self, x):
        """x where the shape stays; option A where it changes: every second pixel, zero channels on both sides."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.border, self.border)) if self.border else x

    def forward(self, x):
        y = self.apply_site(self.bn1, self.act1, self.conv1(x))
        return self.apply_site(self.bn2, self.act2, self.conv2(y), self.shortcut(x))


class ResNet(Site):
    """Images N,3,32,32 to logits N,10; `name` is resnet{6n+2}."""

    def __init__(self, name, spec, option):
        super().__init__()
        depth = int(name.removeprefix("resnet"))
        if depth < 8 or depth % 6 != 2:
            raise SystemExit(f"unknown model {name!r}: expected resnet20, resnet56 or another resnet{{6n+2}}")
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act1 = activation(spec)
        inputs = 16
        for stage, channels in ((1, 16), (2, 32), (3, 64)):
            blocks = []
            for index in range((depth - 2) // 6):
                stride = 2 if stage > 1 and index == 0 else 1
                blocks.append(Block(inputs, channels, stride, spec, option))
                inputs = channels
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.apply_site(self.bn1, self.act1, self.conv1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def tensors(model):
    """Parameters and running statistics by name, without the batch counters."""
    return {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}


def step(model, images, labels):
    """One forward and backward pass with the mean cross entropy: logits, loss, gradients, running statistics."""
    model.zero_grad()
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    out = {"logits": logits.detach(), "loss": loss.detach()}
    out.update({f"grad.{name}": p.grad for name, p in model.named_parameters()})
    out.update({name: b for name, b in tensors(model).items() if name.endswith(("running_mean", "running_var"))})
    return {name: value.detach().clone() for name, value in out.items()}


def set_tensors(model, values):
    """Copies every tensor of `values` into the model, in the model's precision."""
    with torch.no_grad():
        for name, tensor in tensors(model).items():
            tensor.copy_(values[name])
