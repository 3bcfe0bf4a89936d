"""Find pictures that do not belong: an auto-encoder rebuilds badly what it has never seen.

    python examples/anomalies.py

Trains on the digits of scikit-learn, hides ten odd pictures among the test digits, and writes the ten with the highest
score, above their reconstructions, to anomalies.png.
"""

import numpy as np

from day33.autoencoder import AutoEncoder
from day33.datasets import load_digits_small
from day33.plotting import reconstructions
from day33.random import set_random_seed

set_random_seed(0)
(digits, _), (test_digits, _) = load_digits_small()

autoencoder = AutoEncoder("upsampling")
autoencoder.fit(digits, epochs=30, batch_size=32)

rng = np.random.default_rng(0)
odd = test_digits[:10].copy()
odd[:5] = 255 - odd[:5]  # five negatives
odd[5:] = rng.permuted(odd[5:].reshape(5, -1), axis=1).reshape(5, 28, 28)  # five whose pixels are shuffled
pictures = np.concatenate([test_digits[10:], odd])
is_odd = np.arange(len(pictures)) >= len(pictures) - len(odd)

scores = autoencoder.anomaly_score(pictures, metric="mse")
highest = np.argsort(scores)[::-1][:10]
titles = [f"{scores[index]:.3f}" for index in highest]
reconstructions(pictures[highest], autoencoder.reconstruct(pictures[highest]), "anomalies.png", titles=titles)
print(f"{is_odd[highest].sum()} of the 10 odd pictures are among the 10 highest scores; wrote anomalies.png")
