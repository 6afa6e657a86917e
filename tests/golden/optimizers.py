"""Ten steps of every optimizer by PyTorch and Keras, in float64: writes optimizers.json beside it.

Weights, gradients and learning rates are float32 numbers, from SplitMix64 (inputs.py's), so that both sides start from the same bits.
`torch.*` rows are torch.optim's classes, `keras.*` rows keras.optimizers' (Keras 3 on its PyTorch backend, float64),
`keras_legacy.nadam` is Keras' Nadam up to TensorFlow 2.10, whose package needs TensorFlow: its update is written out
below from keras/optimizers/optimizer_v2/nadam.py, in NumPy; legacy_nadam.py compares it with the class itself.

    pip install torch==2.15.0 keras==3.15.1 numpy==2.4.6
    KERAS_BACKEND=torch python tests/golden/optimizers.py
"""

import json
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
import torch

WORDS, STEPS = 64, 10
MASK = (1 << 64) - 1


def splitmix(seed, count):
    """Uniform numbers in [0, 1) with 24 bits."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(((z ^ (z >> 31)) >> 40) / 2.0**24)
    return np.array(numbers)


def inputs():
    weight = (splitmix(1, WORDS) * 2 - 1).astype(np.float32)
    gradient = (splitmix(2, WORDS * STEPS) * 2 - 1).astype(np.float32).reshape(STEPS, WORDS)
    lr = (splitmix(3, STEPS) * 0.01 + 0.001).astype(np.float32)
    return weight, gradient, lr


torch.set_default_dtype(torch.float64)  # NAdam keeps its product in the default type


def by_torch(kind, clip=None, **settings):
    """The weights after each step."""
    weight, gradient, lr = inputs()
    parameter = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float64))
    optimizer = kind([parameter], lr=1.0, **settings)
    states = []
    for g, rate in zip(gradient, lr):
        parameter.grad = torch.tensor(g, dtype=torch.float64)
        if clip is not None:
            clip(parameter)
        optimizer.param_groups[0]["lr"] = float(rate)
        optimizer.step()
        states.append(parameter.detach().numpy().copy())
    return states


def by_keras(kind, **settings):
    weight, gradient, lr = inputs()
    keras.backend.set_floatx("float64")
    variable = keras.Variable(weight.astype(np.float64), dtype="float64")
    optimizer = kind(learning_rate=1.0, **settings)
    states = []
    for g, rate in zip(gradient, lr):
        optimizer.learning_rate = float(rate)
        optimizer.apply([keras.ops.convert_to_tensor(g.astype(np.float64))], [variable])
        states.append(keras.ops.convert_to_numpy(variable.value).copy())
    return states


def legacy_nadam(beta1=0.9, beta2=0.999, eps=1e-7):
    weight, gradient, lr = inputs()
    w, m, v, schedule = weight.astype(np.float64), np.zeros(WORDS), np.zeros(WORDS), 1.0
    states = []
    for t, (g, rate) in enumerate(zip(gradient.astype(np.float64), lr), start=1):
        now = beta1 * (1.0 - 0.5 * 0.96 ** (0.004 * t))
        after = beta1 * (1.0 - 0.5 * 0.96 ** (0.004 * (t + 1)))
        schedule *= now
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        g_prime = g / (1 - schedule)
        m_prime = m / (1 - schedule * after)
        v_prime = v / (1 - beta2**t)
        bar = (1 - now) * g_prime + after * m_prime
        w = w - float(rate) * bar / (np.sqrt(v_prime) + eps)
        states.append(w.copy())
    return states


def rows():
    norm = lambda p: torch.nn.utils.clip_grad_norm_(p, 2.0)
    value = lambda p: torch.nn.utils.clip_grad_value_(p, 0.25)
    T = torch.optim
    yield "torch.sgd", by_torch(T.SGD, momentum=0.9, weight_decay=0.01)
    yield "torch.sgd_nesterov", by_torch(T.SGD, momentum=0.9, weight_decay=0.01, nesterov=True)
    yield "torch.sgd_clip_norm", by_torch(T.SGD, clip=norm, momentum=0.9, weight_decay=0.01)
    yield "torch.sgd_clip_value", by_torch(T.SGD, clip=value, momentum=0.9, weight_decay=0.01)
    yield "torch.adam", by_torch(T.Adam, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    yield "torch.adamw", by_torch(T.AdamW, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    yield "torch.nadam", by_torch(T.NAdam, betas=(0.9, 0.999), eps=1e-8, momentum_decay=0.004)
    yield "torch.rmsprop", by_torch(T.RMSprop, alpha=0.99, eps=1e-8, momentum=0.9, weight_decay=0.01)
    K = keras.optimizers
    yield "keras.adam", by_keras(K.Adam, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    yield "keras.nadam", by_keras(K.Nadam, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    yield "keras_legacy.nadam", legacy_nadam()


def main():
    weight, gradient, lr = inputs()
    document = {
        "torch": torch.__version__,
        "keras": keras.__version__,
        "weight": weight.tolist(),
        "gradient": gradient.tolist(),
        "lr": lr.tolist(),
        "after": {name: {str(t): states[t - 1].tolist() for t in (1, STEPS)} for name, states in rows()},
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
