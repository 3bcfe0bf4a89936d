"""
What each filter sees
=====================

The maps of every layer, the code, the reconstruction and its error per pixel.
"""

import day33
from day33 import autoencoder, datasets, explain, optimizers

(x_train, _), (x_test, _) = datasets.load_digits_small()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
day33.set_random_seed(33)
model = autoencoder.build("upsampling")
model.compile(optimizers.Adam(learning_rate=0.003), "binary_crossentropy")
model.fit(x_train, x_train, epochs=5, batch_size=32, verbose=0)
page = explain.feature_maps(model, x_test[0])
page

# %%
# Its first filters:

first = explain.filters(model.layers[1])
first
