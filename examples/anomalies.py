"""Find anomalous images: an auto-encoder reconstructs images unlike its training data with a larger error.

    python examples/anomalies.py

Trains on the digits of scikit-learn, adds ten anomalous images to the test digits, and writes the ten images with the
highest scores, above their reconstructions, to anomalies.png.
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
anomalies = test_digits[:10].copy()
anomalies[:5] = 255 - anomalies[:5]  # inverted
anomalies[5:] = rng.permuted(anomalies[5:].reshape(5, -1), axis=1).reshape(5, 28, 28)  # with shuffled pixels
images = np.concatenate([test_digits[10:], anomalies])
is_anomaly = np.arange(len(images)) >= len(images) - len(anomalies)

scores = autoencoder.anomaly_score(images, metric="mse")
highest = np.argsort(scores)[::-1][:10]
titles = [f"{scores[index]:.3f}" for index in highest]
reconstructions(images[highest], autoencoder.reconstruct(images[highest]), "anomalies.png", titles=titles)
print(f"{is_anomaly[highest].sum()} of the 10 anomalies are among the 10 highest scores; wrote anomalies.png")
