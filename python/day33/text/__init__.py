"""From text files to arrays of token numbers: cleaning, a vocabulary, padding, corpora and their split.

from day33 import text

corpus = text.load_corpus("lyrics/")
training, validation = text.split_sentences(corpus.sentences)
tokenizer = text.Tokenizer(num_words=7000, filters=" ", oov_token="<unk>")
tokenizer.fit_on_texts(training)
source, target = text.make_dataset(tokenizer.texts_to_sequences(training))
"""

from __future__ import annotations

from .cleaning import detokenize, preprocess_sentence, preprocess_sentences, text_to_word_sequence
from .corpus import Corpus, load_corpus, split_passages, split_sentences
from .sequences import make_dataset, pad_sequences
from .tokenizer import Tokenizer, tokenizer_from_json

__all__ = [
    "Corpus",
    "Tokenizer",
    "detokenize",
    "load_corpus",
    "make_dataset",
    "pad_sequences",
    "preprocess_sentence",
    "preprocess_sentences",
    "split_passages",
    "split_sentences",
    "text_to_word_sequence",
    "tokenizer_from_json",
]


def __dir__() -> list[str]:
    return list(__all__)
