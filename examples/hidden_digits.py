"""Hidden digits without a data set: compose images, combine two kinds of classifiers by a vote, and print the
accuracy of each and of the vote.

    python examples/hidden_digits.py
"""

from __future__ import annotations

from lightgbm import LGBMClassifier

from day33.datasets import make_hidden_digits
from day33.ensemble import ChannelSplitter, ConvClassifier, HardVote, HardVotingBagging, RandomAffine


def main() -> None:
    data = make_hidden_digits(n_samples=800, seed=33)
    X, y = data.features(), data.digits  # the pixels, followed by the letter, one-hot encoded
    split = ChannelSplitter(150, (28, 28), noise_floor=7)

    trees = LGBMClassifier(n_estimators=40, max_bin=15, colsample_bytree=0.1, verbosity=-1)
    bag = HardVotingBagging(trees, 12, preprocessor=split, oob_score=True, random_state=0)
    network = ConvClassifier(
        (28, 28),
        n_extra=26,
        preprocessor=split,
        augment=RandomAffine(0.08, 0.06, 0.03),
        filters=(16, 16, 32, 32),
        epochs=10,
        random_state=0,
    )
    vote = HardVote([("trees", bag), ("network", network)], voting="soft", weights=[1, 4]).fit(X[:600], y[:600])

    for (name, _), member in zip(vote.estimators, vote.estimators_, strict=True):
        print(f"{name:8} {member.score(X[600:], y[600:]):.3f}")
    print(f"{'vote':8} {vote.score(X[600:], y[600:]):.3f}")
    print(f"out-of-bag accuracy of the trees: {vote.estimators_[0].oob_score_:.3f}")


if __name__ == "__main__":
    main()
