"""Keras' own Nadam of TensorFlow 2.10 beside `keras_legacy.nadam` of optimizers.json, whose update is written out in NumPy.

The class keeps 0.96, 0.004 and the betas in float32 whatever the weights' type, so it cannot give the file's digits: with
TensorFlow 2.10.1 it is 2.4e-11 away after one step and 1.9e-9 after ten, where psi 1 is 1.4e-5 and 4.3e-3 away.

    Python 3.10; pip install tensorflow-cpu==2.10.1 "numpy<1.24" "protobuf<3.20"
    python tests/golden/legacy_nadam.py
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

MOST = 1e-8  # ten steps of at most 0.011 times a few constants rounded to 2^-24


def main():
    golden = json.loads(Path(__file__).with_name("optimizers.json").read_text())
    single = lambda name: np.array(golden[name], np.float32)
    weight = tf.Variable(single("weight").astype(np.float64))
    optimizer = tf.keras.optimizers.Nadam(learning_rate=1.0, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    print(tf.__version__, type(optimizer))
    states = []
    for gradient, lr in zip(single("gradient"), single("lr")):
        optimizer.learning_rate = float(lr)
        optimizer.apply_gradients([(tf.constant(gradient.astype(np.float64)), weight)])
        states.append(weight.numpy().copy())
    after = {name: golden["after"][name] for name in ("keras_legacy.nadam", "keras.nadam")}
    for step in ("1", "10"):
        away = {name: np.abs(np.array(rows[step]) - states[int(step) - 1]).max() for name, rows in after.items()}
        print(f"after step {step}:", away)
        assert away["keras_legacy.nadam"] < MOST < away["keras.nadam"]


if __name__ == "__main__":
    main()
