"""
An auto-encoder: restore pictures from a code
=============================================

A network squeezes a digit of 28 × 28 pixels through a code, and restores it. The target is the picture itself, so no
labels are needed.
"""

import numpy as np

import day33
from day33 import callbacks, datasets, explain, layers, optimizers

# %%
# The pictures
# ------------
#
# Digits from 0 to 255 become numbers from 0 to 1, with an axis for the channel. ``load_mnist`` gives the large set,
# once ``day33 data mnist`` has fetched it.

(x_train, _), (x_test, _) = datasets.load_digits_small()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
x_train.shape, x_test.shape

# %%
# The network
# -----------
#
# The encoder makes the picture smaller by pooling, the decoder larger again by transposed convolutions with stride 2.
# The column of receptive fields says how much of the picture a cell sees.

day33.set_random_seed(33)
image = layers.Input((28, 28, 1))
x = layers.Conv2D(16, 3, activation="relu", padding="same")(image)
x = layers.MaxPooling2D(2)(x)
x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
code = layers.MaxPooling2D(2, name="code")(x)
x = layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same")(code)
x = layers.Conv2DTranspose(16, 3, strides=2, activation="relu", padding="same")(x)
restored = layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x)
model = day33.Model(image, restored)
model.summary()

# %%
# Training
# --------
#
# After each epoch six restored pictures are kept, for the film below.

frames = []
keep = callbacks.LambdaCallback(on_epoch_end=lambda *_: frames.append(model.predict(x_test[:6], verbose=0)))
model.compile(optimizers.Adam(learning_rate=0.003), "binary_crossentropy")
history = model.fit(
    x_train, x_train, epochs=6, batch_size=32, verbose=0, validation_data=(x_test, x_test), callbacks=[keep]
)
film = explain.training(history, np.array(frames), x_test[:6])
film

# %%
# What you have made
# ------------------
#
# A picture, its code, and what the decoder makes of it: every pixel with its error.

maps = explain.feature_maps(model, x_test[3])
maps
