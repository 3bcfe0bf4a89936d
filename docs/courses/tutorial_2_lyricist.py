"""
A lyricist: write lines word by word
====================================

A network reads lines and learns which word comes next. Fed with its own words, it writes.
"""

import day33
from day33 import datasets, explain, lyricist, text

# %%
# The lines
# ---------
#
# Cleaned lines begin with ``<start>`` and end with ``<end>``. These come from a small grammar; ``text.load_corpus``
# reads a folder of your own.

lines = [text.preprocess_sentence(line) for line in datasets.generate_lyrics(1500)]
training, validation = text.split_sentences(lines)
training[0]

# %%
# Learning
# --------
#
# The loss counts real tokens only. The perplexity is its exponential: among how many equally likely words the model
# hesitates.

day33.set_random_seed(33)
writer = lyricist.Lyricist(num_words=1000, embedding_size=32, hidden_size=64)
history = writer.fit(training, validation, epochs=12, batch_size=64, learning_rate=0.005, verbose=0)
curves = explain.training(history)
curves

# %%
# How a word is chosen
# --------------------

words = explain.next_word(writer, "i love", seed=3)
words

# %%
# How surprised it is by a line
# -----------------------------

surprise = explain.loss(writer, "i love the rain tonight")
surprise

# %%
# What you have made
# ------------------
#
# Five lines of its own:

for seed in range(5):
    print(writer.write("i love", temperature=0.8, seed=seed))
