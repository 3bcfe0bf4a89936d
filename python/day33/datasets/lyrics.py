"""A corpus that needs no download: song lines from a small grammar of our own.

The grammar makes verbs agree with their subjects and keeps to one subject matter in a line, so that there is more to
learn than which words follow each other. Since it is random, there is a loss below which no model can get.
"""

from __future__ import annotations

import random
from typing import TypeVar

from .._core.arrays import as_count

__all__ = ["generate_lyrics"]

T = TypeVar("T")

# A symbol in braces is replaced by one of its rules. Rules may name symbols of the same subject matter by "{+noun}".
_GRAMMAR: dict[str, tuple[str, ...]] = {
    "line": (
        "{opening}{clause}{end}",
        "{clause} {link} {clause}{end}",
        "{clause}, {clause}{end}",
        "{clause}{end}",
        "{call}, {clause}{end}",
        "{question}?",
    ),
    "opening": ("oh ", "and ", "but ", "tonight ", "once more, ", "when morning comes, ", "far away, "),
    "link": ("and", "but", "while", "because", "until", "as if"),
    "end": (".", ".", ".", "", "!"),
    "call": ("my love", "my friend", "little bird", "baby", "sweet stranger"),
    "clause": (
        "i {verb i} {object}",
        "you {verb i} {object}",
        "we {verb i} {object} {where}",
        "she {verb she} {object}",
        "he {verb she} {object} {where}",
        "the {+one} {does one} {where}",
        "the {+many} {do many} {where}",
        "i {verb i} the way you {do alone}",
        "there is no {+one} without the {+many}",
        "all the {+many} {do many} for you",
        "nobody {verb she} the {+one} like i do",
    ),
    "question": (
        "do you {verb i} {object}",
        "does she {verb i} {object}",
        "why do the {+many} {do many}",
        "where does the {+one} {do many}",
        "who {verb she} the {+one} {where}",
    ),
    "verb i": ("love", "love", "know", "remember", "follow", "need", "miss", "hear", "call"),
    "verb she": ("loves", "loves", "knows", "remembers", "follows", "needs", "misses", "hears", "calls"),
    "object": ("you", "the {+one}", "the {+adjective} {+one}", "your {+one}", "the {+many}", "my {+adjective} {+many}"),
    "do alone": ("smile", "sing", "dance", "walk", "wait", "turn away"),
    "does one": ("{+does}", "is {+adjective}", "{+does} and {+does}"),
    "do many": ("{+do}", "{+do}", "{+do} and {+do}"),
    "where": ("in the {+place}", "over the {+place}", "by the {+place}", "down the {+adjective} {+place}", "tonight"),
}
_MATTERS: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "one": ("river", "tide", "ship", "wave", "harbor", "sailor"),
        "many": ("rivers", "waves", "ships", "stones", "sails", "sailors"),
        "does": ("rolls", "rises", "drifts", "falls"),
        "do": ("roll", "rise", "drift", "fall"),
        "place": ("sea", "shore", "bay", "lighthouse"),
        "adjective": ("deep", "silver", "restless", "cold"),
    },
    {
        "one": ("moon", "star", "night", "shadow", "lantern", "dream"),
        "many": ("stars", "shadows", "dreams", "lights", "nights", "clouds"),
        "does": ("glows", "fades", "burns", "sleeps"),
        "do": ("glow", "fade", "burn", "sleep"),
        "place": ("sky", "hill", "garden", "roof"),
        "adjective": ("pale", "golden", "quiet", "endless"),
    },
    {
        "one": ("city", "train", "street", "window", "radio", "stranger"),
        "many": ("cars", "trains", "streets", "windows", "voices", "strangers"),
        "does": ("hums", "shines", "waits", "moves"),
        "do": ("hum", "shine", "wait", "move"),
        "place": ("station", "avenue", "bridge", "corner"),
        "adjective": ("crowded", "lonely", "neon", "broken"),
    },
    {
        "one": ("rose", "sparrow", "field", "summer", "rain", "song"),
        "many": ("roses", "sparrows", "leaves", "petals", "songs", "seeds"),
        "does": ("blooms", "trembles", "grows", "returns"),
        "do": ("bloom", "tremble", "grow", "return"),
        "place": ("meadow", "orchard", "valley", "porch"),
        "adjective": ("wild", "gentle", "green", "tender"),
    },
)


def generate_lyrics(lines: int = 4000, seed: int = 0) -> list[str]:
    """Write lines of songs by the grammar.

    Args:
        lines: how many.
        seed: fixes the lines, on every machine and with every version of Python.

    Returns:
        The lines, in lower case, with marks attached to the word before.

    Raises:
        TypeError: `lines` is no integer.
        ValueError: `lines` is negative.
    """
    generator = random.Random(seed)
    wanted = range(as_count("lines", lines, 0))
    return [_expand("{line}", _pick(_MATTERS, generator), generator).strip() for _ in wanted]


def _pick(choices: tuple[T, ...], generator: random.Random) -> T:
    # random() alone gives the same numbers in every version; choice() is free to change.
    return choices[int(generator.random() * len(choices))]


def _expand(rule: str, matter: dict[str, tuple[str, ...]], generator: random.Random) -> str:
    """The rule with every symbol replaced, from left to right."""
    text = ""
    while True:
        before, brace, rest = rule.partition("{")
        text += before
        if not brace:
            return text
        symbol, _, rule = rest.partition("}")
        choices = matter[symbol[1:]] if symbol[0] == "+" else _GRAMMAR[symbol]
        text += _expand(_pick(choices, generator), matter, generator)
