"""Two convolutional auto-encoders written as in Keras, with day33 in place of TensorFlow.

    python examples/autoencoder.py [epochs]

Uses MNIST if `day33 data mnist` has downloaded it, otherwise the small digits of scikit-learn, and writes one figure
per model to the current folder.
"""

import sys

import numpy as np

from day33.datasets import load_digits_small, load_mnist
from day33.layers import Conv2D, Conv2DTranspose, Input, MaxPooling2D, UpSampling2D
from day33.models import Model
from day33.optimizers import Adadelta
from day33.plotting import reconstructions

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 50

try:
    (x_train, _), (x_test, _) = load_mnist()  # the labels are not used: each image is its own target
except FileNotFoundError as reason:
    print(reason, "- using the small digits of scikit-learn instead", sep="\n")
    (x_train, _), (x_test, _) = load_digits_small()

x_train = np.expand_dims(x_train, axis=3).astype("float32") / 255.0
x_test = np.expand_dims(x_test, axis=3).astype("float32") / 255.0
input_shape = x_train.shape[1:]


def train_and_draw(autoencoder: Model, figure: str) -> None:
    autoencoder.summary()
    # In old tutorials optimizer="adadelta" implies a learning rate of 1.0. Since TensorFlow 2 it implies 0.001, with
    # which the loss hardly decreases.
    autoencoder.compile(optimizer=Adadelta(learning_rate=1.0), loss="binary_crossentropy")
    autoencoder.fit(x_train, x_train, epochs=epochs, batch_size=256, shuffle=True, validation_data=(x_test, x_test))
    x_test_10 = x_test[:10]
    reconstructions(x_test_10, autoencoder.predict(x_test_10), figure)
    print("wrote", figure)


# ---- up-sampling between convolutions; the code is 4 x 4 x 4 ----

input_img = Input(shape=input_shape)

encoded = Conv2D(16, (3, 3), activation="relu", padding="same")(input_img)
encoded = MaxPooling2D((2, 2), padding="same")(encoded)
encoded = Conv2D(8, (3, 3), activation="relu", padding="same")(encoded)
encoded = MaxPooling2D((2, 2), padding="same")(encoded)
encoded = Conv2D(4, (3, 3), activation="relu", padding="same")(encoded)
encoded = MaxPooling2D((2, 2), padding="same")(encoded)

decoded = Conv2D(4, (3, 3), activation="relu", padding="same")(encoded)
decoded = UpSampling2D((2, 2))(decoded)
decoded = Conv2D(8, (3, 3), activation="relu", padding="same")(decoded)
decoded = UpSampling2D((2, 2))(decoded)
decoded = Conv2D(16, (3, 3), activation="relu")(decoded)
decoded = UpSampling2D((2, 2))(decoded)
decoded = Conv2D(1, (3, 3), activation="sigmoid", padding="same")(decoded)

train_and_draw(Model(input_img, decoded), "upsampling.png")

# ---- transposed convolutions; the code is 3 x 3 x 4 ----

input_img = Input(shape=input_shape)

encoded = Conv2D(16, (3, 3), activation="relu")(input_img)
encoded = MaxPooling2D((2, 2))(encoded)
encoded = Conv2D(8, (3, 3), activation="relu")(encoded)
encoded = MaxPooling2D((2, 2))(encoded)
encoded = Conv2D(4, (3, 3), activation="relu")(encoded)

decoded = Conv2DTranspose(4, (3, 3), activation="relu", padding="same")(encoded)
decoded = UpSampling2D((2, 2))(decoded)
decoded = Conv2DTranspose(8, (3, 3), activation="relu", padding="same")(decoded)
decoded = UpSampling2D((2, 2))(decoded)
decoded = Conv2DTranspose(16, (3, 3), activation="relu")(decoded)
decoded = UpSampling2D((2, 2))(decoded)
decoded = Conv2DTranspose(1, (3, 3), activation="sigmoid", padding="same")(decoded)

train_and_draw(Model(input_img, decoded), "transposed.png")
