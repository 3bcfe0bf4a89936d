"""Language models that write: a model's weights packed once, and a loop of one step per token.

The model is an `Embedding`, a stack of `LSTM` layers and a `Dense` layer that gives logits over the vocabulary. The
state of the LSTM layers is carried, so nothing is computed twice; the whole loop is native and releases the GIL.

    decoder = Decoder(embedding, [(kernel, recurrent_kernel, bias), ...], dense_kernel, dense_bias)
    decoder.generate([2, 7, 31])                       # greedy: [2, 7, 31, ...]
    generate(model, "<start> i love", tokenizer=tokenizer, temperature=0.8, top_p=0.95, seed=1)
    for word in stream(model, "<start> i love", tokenizer=tokenizer): ...

A prompt is a text, or a list or array of ids; a list of either, or a 2-D array, is a batch. Answers are of the same
kind, prompt included: text for text (its words joined by single spaces), lists for lists, arrays for arrays. `[]` is an
empty batch. Prompts of a batch may differ in length, and no answer depends on the other prompts of its batch.

Weights can be packed as ``"float32"``; as ``"bfloat16"``, rounded to nearest even, with sums in float32; or as
``"int8"``, with a scale for each output, and exact sums over activations of 8 bits, with a scale for each vector of
them. With int8 the sums are the same on every instruction set.
"""

from __future__ import annotations

from .decoder import Decoder, Generated, State, decoder_of, generate, stream

__all__ = ["Decoder", "Generated", "State", "decoder_of", "generate", "stream"]


def __dir__() -> list[str]:
    return list(__all__)
