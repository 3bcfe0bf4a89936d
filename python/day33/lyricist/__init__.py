"""The lyricist: an LSTM language model that learns the lines of text files and writes new ones.

from day33 import lyricist, text

corpus = text.load_corpus("lyrics/")
training, validation = text.split_sentences(corpus.sentences)
writer = lyricist.Lyricist()
writer.fit(training, validation)
print(writer.write("i love"))
"""

from __future__ import annotations

from .batches import LengthBatches
from .lines import LineWriter
from .model import TextGenerator
from .passages import PassageBatches
from .pipeline import Lyricist

__all__ = ["LengthBatches", "LineWriter", "Lyricist", "PassageBatches", "TextGenerator"]


def __dir__() -> list[str]:
    return list(__all__)
