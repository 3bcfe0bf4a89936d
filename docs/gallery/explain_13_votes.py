"""
A vote
======

Hard voting counts heads, soft voting averages how sure they are.
"""

from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from day33 import datasets, explain
from day33.ensemble import HardVote

(x_train, y_train), (x_test, _) = datasets.load_digits_small()
rows = x_train[:300].reshape(300, -1) / 255.0
members = [
    ("logistic", LogisticRegression(max_iter=200)),
    ("neighbours", KNeighborsClassifier()),
    ("tree", DecisionTreeClassifier(random_state=0)),
]
vote = HardVote(members).fit(rows, y_train[:300])
page = explain.votes(vote, x_test[5].reshape(-1) / 255.0)
page
