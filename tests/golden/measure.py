"""How far a tensor is from the expected one, and how far it may be."""

# A tensor may be this many times as far off as PyTorch's own float32 is in the worst tensor of its group.
FACTOR = 10.0


def group(name):
    """Tensors whose errors are alike: gradients, PReLU's slopes (sums of 10^5 terms that cancel), all others."""
    if not name.startswith("grad."):
        return "values"
    return "slopes" if name.split(".")[-2].startswith("act") else "gradients"


def relative_error(got, expected):
    """||got - expected|| / ||expected||, Euclidean norms over all elements; NaN where `got` has one."""
    return ((got - expected).norm() / expected.norm()).item()


def worst(errors):
    """The largest error of each group, and the tensor that has it."""
    groups = {}
    for name, error in errors.items():
        if error >= groups.get(group(name), (0.0, ""))[0]:
            groups[group(name)] = (error, name)
    return groups
