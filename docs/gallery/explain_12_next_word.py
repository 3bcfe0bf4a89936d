"""
The next word
=============

Greedy and sampled paths of a small lyricist, and the loss of a line.
"""

import day33
from day33 import datasets, explain, lyricist, text

day33.set_random_seed(33)
writer = lyricist.Lyricist(num_words=1000, embedding_size=32, hidden_size=64)
lines = [text.preprocess_sentence(line) for line in datasets.generate_lyrics(1000)]
writer.fit(lines, epochs=12, batch_size=64, learning_rate=0.005, verbose=0)
page = explain.next_word(writer, "i love")
page

# %%
# How surprised is it by a line?

line = explain.loss(writer, "i love the rain tonight")
line
