"""The CIFAR ResNet of He et al. 2015, section 4.2, as wgrad trains it: option A shortcuts, batch norm, one activation everywhere."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class DropAct(nn.Module):
    """relu(x) with probability 0.95, else x, drawn for each element (Liang et al. 2018); in training only."""

    def forward(self, x):
        return torch.where(torch.rand_like(x) < 0.95, F.relu(x), x)


ACTIVATIONS = {"relu": lambda: nn.ReLU(inplace=True), "dropact": DropAct, "rrelu": nn.RReLU}


class Block(nn.Module):
    """activation(bn(conv(activation(bn(conv(x))))) + shortcut)."""

    def __init__(self, inputs, outputs, stride, activation):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.act1, self.act2 = ACTIVATIONS[activation](), ACTIVATIONS[activation]()
        self.stride, self.pad = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
        return self.act2(y + x)


class ResNet(nn.Module):
    """Depth 6n + 2; `width` is a factor on the channels 16, 32 and 64."""

    def __init__(self, depth, width, activation):
        super().__init__()
        channels = 16 * width
        self.conv1, self.bn1 = nn.Conv2d(3, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        self.act = ACTIVATIONS[activation]()
        blocks = []
        for outputs, stride in ((16 * width, 1), (32 * width, 2), (64 * width, 2)):
            for index in range((depth - 2) // 6):
                blocks.append(Block(channels, outputs, stride if index == 0 else 1, activation))
                channels = outputs
        self.blocks, self.linear = nn.Sequential(*blocks), nn.Linear(channels, 10)

    def forward(self, x):
        return self.linear(self.blocks(self.act(self.bn1(self.conv1(x)))).mean((2, 3)))
