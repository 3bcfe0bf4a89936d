"""
A training, picture by picture
==============================

The loss, and six reconstructions, epoch by epoch: first the mean of all digits, then their shapes.
"""

import numpy as np

import day33
from day33 import autoencoder, callbacks, datasets, explain, optimizers

(x_train, _), (x_test, _) = datasets.load_digits_small()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
day33.set_random_seed(33)
model = autoencoder.build("transposed")
model.compile(optimizers.Adam(learning_rate=0.003), "binary_crossentropy")
frames = []
keep = callbacks.LambdaCallback(on_epoch_end=lambda *_: frames.append(model.predict(x_test[:6], verbose=0)))
history = model.fit(
    x_train, x_train, epochs=24, batch_size=32, verbose=0, validation_data=(x_test, x_test), callbacks=[keep]
)
page = explain.training(history, np.array(frames), x_test[:6])
page
