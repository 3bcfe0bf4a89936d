"""
An ensemble: members that vote
==============================

Several classifiers see different parts of the training data, and the class that most of them name wins. The note's idea
was to count votes in place of averaging.
"""

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from day33 import datasets, explain
from day33.ensemble import HardVotingBagging

# %%
# The data
# --------

(x_train, y_train), (x_test, y_test) = datasets.load_digits_small()
rows, tests = x_train.reshape(len(x_train), -1) / 255.0, x_test.reshape(len(x_test), -1) / 255.0

# %%
# One tree, and a bag of fifteen
# ------------------------------
#
# Each member is trained on rows drawn with replacement.

tree = DecisionTreeClassifier(max_features=40, random_state=0).fit(rows, y_train)
bag = HardVotingBagging(DecisionTreeClassifier(max_features=40), n_estimators=15, random_state=0).fit(rows, y_train)
print(f"one tree: {np.mean(tree.predict(tests) == y_test):.3f}")
print(f"the bag:  {np.mean(bag.predict(tests) == y_test):.3f}")

# %%
# Where they disagree
# -------------------
#
# The test image with the closest vote:

counts = np.array([np.sort(np.bincount(votes, minlength=10))[::-1] for votes in bag.votes(tests)])
closest = int(np.argmin(counts[:, 0] - counts[:, 1]))
vote = explain.votes(bag, tests[closest])
vote

# %%
# What you have made
# ------------------
#
# A submission: one row per test image.

submission = ["id,digit", *(f"{number},{digit}" for number, digit in enumerate(bag.predict(tests)))]
print("\n".join(submission[:6]))
