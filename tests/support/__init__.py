"""What many tests share: models, twins in Keras, references, bounds."""
