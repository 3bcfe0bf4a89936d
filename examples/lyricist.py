"""A language model of lines, first written as in Keras, with day33 in place of TensorFlow, then with `Lyricist`.

    python examples/lyricist.py [file, folder or pattern] [epochs]

Without a file it is trained on lines generated from a small built-in grammar.
"""

import sys

from day33 import Model, layers, text
from day33.datasets import generate_lyrics
from day33.losses import SparseCategoricalCrossentropy
from day33.lyricist import Lyricist

if len(sys.argv) > 1:
    corpus = text.load_corpus(sys.argv[1])
else:
    corpus = text.Corpus.from_lines(generate_lyrics(2000))
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
print(corpus.describe())
# No line is in both parts, so the validation loss is measured on lines that the model has not been trained on.
training, validation = text.split_sentences(corpus.sentences)

# ---- step by step: the loss includes padding ----

tokenizer = text.Tokenizer(num_words=7000, filters=" ", oov_token="<unk>")
tokenizer.fit_on_texts(training)


def dataset(sentences):
    tensor = text.pad_sequences(tokenizer.texts_to_sequences(sentences), 20, padding="post", truncating="post")
    return text.make_dataset(tensor)


class TextGenerator(Model):
    """Embedding, two LSTM layers, logits."""

    def __init__(self, vocab_size, embedding_size, hidden_size):
        super().__init__()
        self.embedding = layers.Embedding(vocab_size, embedding_size)
        self.rnn_1 = layers.LSTM(hidden_size, return_sequences=True)
        self.rnn_2 = layers.LSTM(hidden_size, return_sequences=True)
        self.linear = layers.Dense(vocab_size)

    def call(self, x):
        return self.linear(self.rnn_2(self.rnn_1(self.embedding(x))))


model = TextGenerator(min(tokenizer.num_words, len(tokenizer.word_index)) + 1, 64, 128)
model.compile(optimizer="adam", loss=SparseCategoricalCrossentropy(from_logits=True))
source, target = dataset(training)
model.fit(source, target, batch_size=256, epochs=epochs, validation_data=dataset(validation))

# ---- with Lyricist: padding is neither computed nor counted, and the model generates lines ----

writer = Lyricist(7000, embedding_size=64, hidden_size=128)
writer.fit(training, validation, epochs=epochs)
print(writer.write("i love"))
for seed in range(3):
    print(writer.write("i love", temperature=0.8, seed=seed))
