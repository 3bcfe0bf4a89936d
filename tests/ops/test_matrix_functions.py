"""Products of matrices and tensors: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from day33 import ops
from day33._core.variables import Variable
from day33._graph.staged_plan import StagedPlan
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced, check, compare
from support.zoo import random

tf = pytest.importorskip("tensorflow")

A, B = random(6, 4, 5), random(6, 5, 3, seed=1)
C, D = random(6, 2, 4, 5, seed=2), random(6, 2, 5, 3, seed=3)
ROWS, W = random(6, 5, seed=4), random(5, 3, seed=5)
PAIRS = {
    "matmul": (lambda o, a, b: o.matmul(a, b), A, B),
    "matmul with heads": (lambda o, a, b: o.matmul(a, b), C, D),
    "matmul of rows": (lambda o, a, b: o.matmul(o.expand_dims(a, 1), b), ROWS, B),
    "einsum": (lambda o, a, b: o.einsum("bij,bjk->bik", a, b), A, B),
    "einsum, transposed": (lambda o, a, b: o.einsum("bij,bkj->bki", a, o.transpose(b, (0, 2, 1))), A, B),
    "einsum with heads": (lambda o, a, b: o.einsum("bhij,bhjk->bihk", a, b), C, D),
    "einsum of attention": (lambda o, q, k: o.einsum("...qd,...kd->...qk", q, o.swapaxes(k, -1, -2)), C, D),
    "einsum of elements": (lambda o, a, b: o.einsum("bij,bij->bij", a, b + 1), A, A),
    "einsum to sums": (lambda o, a, b: o.einsum("bij,bij->b", a, b), A, random(6, 4, 5, seed=8)),
    "einsum to vectors": (lambda o, a, b: o.einsum("bij,bj->bi", a, b), A, ROWS),
    "einsum of outer products": (lambda o, a, b: o.einsum("bi,bj->bij", a, b), ROWS, random(6, 3, seed=9)),
    "einsum without an arrow": (lambda o, a, b: o.einsum("bij,bjk", a, b), A, B),
    "einsum over the batch": (lambda o, a, b: o.einsum("bi,bj->ij", a, b), ROWS, random(6, 3, seed=9)),
    "similarities": (lambda o, a, b: o.matmul(a, o.transpose(b)), ROWS, random(6, 5, seed=9)),
    "tensordot over the batch": (lambda o, a, b: o.tensordot(a, b, axes=[[0], [0]]), ROWS, A),
    "outer": (lambda o, a, b: o.outer(a, b), ROWS, ROWS),
    "vdot": (lambda o, a, b: o.vdot(a, b), ROWS, ROWS),
    "inner": (lambda o, a, b: o.inner(a, b), ROWS, ROWS + 1),
}
# Samples with what is the same for all of them.
WITH_CONSTANTS = {
    "matmul": (lambda o, x: o.matmul(x, W), ROWS),
    "matmul of matrices": (lambda o, x: o.matmul(x, W), A),
    "matmul with a vector": (lambda o, x: o.matmul(x, W[:, 0]), A),
    "matmul of rows with a vector": (lambda o, x: o.matmul(x, W[:, 0]), ROWS),
    "matmul from the left": (lambda o, x: o.matmul(W.T, x), B),
    "matmul of a vector from the left": (lambda o, x: o.matmul(W[:, 0], x), B),
    "matmul with a leading 1": (lambda o, x: o.matmul(x, D[:1, 0]), A),
    "matmul with heads": (lambda o, x: o.matmul(x, D[0]), C),
    "dot": (lambda o, x: o.dot(x, W), ROWS),
    "dot with a number": (lambda o, x: o.dot(x, 2.0), ROWS),
    "tensordot": (lambda o, x: o.tensordot(x, W, 1), A),
    "tensordot of two axes": (lambda o, x: o.tensordot(x, random(4, 5, 2), 2), A),
    "tensordot of named axes": (lambda o, x: o.tensordot(x, random(3, 4), [[1], [1]]), A),
    "einsum": (lambda o, x: o.einsum("bi,ij->bj", x, W), ROWS),
    "einsum of a Dense layer with heads": (lambda o, x: o.einsum("btd,dhk->bthk", x, random(5, 2, 3)), A),
    "einsum with a transposed matrix": (lambda o, x: o.einsum("bi,ji->bj", x, W.T), ROWS),
    "einsum that takes parts": (lambda o, x: o.einsum("bhij,hjk->bhik", x, D[0]), C),
    "einsum of one": (lambda o, x: o.einsum("bij->bj", x), A),
    "einsum of one, transposed": (lambda o, x: o.einsum("bij->bji", x), A),
    "einsum of three": (lambda o, x: o.einsum("bi,ij,jk->bk", x, W, random(3, 2)), ROWS),
    "einsum with a vector": (lambda o, x: o.einsum("bij,j->bi", x, W[:, 0]), A),
    "a constant and sums": (lambda o, x: o.einsum("bij,kl->bik", x, W), A),
}


@pytest.mark.parametrize("name", PAIRS)
def test_of_two_inputs(name):
    function, a, b = PAIRS[name]
    check(function, a, b, exact=False)


@pytest.mark.parametrize("name", WITH_CONSTANTS)
def test_with_constants(name):
    function, x = WITH_CONSTANTS[name]
    traced = check(function, x, exact=False)
    assert not isinstance(traced.compiled.plan, StagedPlan) or "transposed matrix" in name or "three" in name


@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 5), (6, 2, 3, 5)])
def test_a_product_with_a_variable_is_a_dense_layer(shape):
    x, variable = random(*shape), Variable(W)
    for function in (
        lambda o, t: o.matmul(t, variable), lambda o, t: t @ variable, lambda o, t: o.dot(t, variable),
        lambda o, t: o.tensordot(t, variable, 1), lambda o, t: o.einsum("...i,ij->...j", t, variable),
    ):  # fmt: skip
        traced = Traced(function, [x])
        assert [row["kind"] for row in traced.compiled.plan.describe()] == ["dense"]
        compare(traced.forward()[0], x @ W, 1e-5, "values")
        dy = random(*shape[:-1], 3, seed=7)
        (dx,), (dw,) = traced.backward([dy])
        compare(dx, dy @ W.T, 1e-5, "dx")
        compare(dw, x.reshape(-1, 5).T.astype(np.float64) @ dy.reshape(-1, 3), 1e-5, "dw")


def test_a_variable_from_the_left():
    """And one that several samples share through a transpose, as a decoder with tied weights does."""
    variable = Variable(W)
    for function, what in (
        (lambda o, t: o.matmul(o.transpose(variable), t), lambda v, t: tf.transpose(v) @ t),
        (lambda o, t: o.matmul(o.swapaxes(t, 1, 2), variable), lambda v, t: tf.transpose(t, (0, 2, 1)) @ v),
        (lambda o, t: o.einsum("bkj,ki->bji", t, variable[:, :2]), lambda v, t: tf.einsum("bkj,ki->bji", t, v[:, :2])),
    ):
        x = B
        theirs, given_x = tf.Variable(W), tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given_x)
            y = what(theirs, given_x)
        traced = Traced(function, [x])
        compare(traced.forward()[0], y, 1e-5, "values")
        dy = random(*y.shape, seed=3)
        dx, dw = tape.gradient(y, [given_x, theirs], dy)
        (mine_x,), (mine_w,) = traced.backward([dy])
        compare(mine_x, dx, 1e-5, "dx")
        compare(mine_w, dw, 1e-5, "dw")


@st.composite
def contractions(draw):
    """Subscripts of two operands and the lengths of their axes. The batch is "n", first in one of them or both."""
    letters = "abcde"
    lengths = {letter: draw(st.integers(1, 4)) for letter in letters} | {"n": 5}
    left = draw(st.lists(st.sampled_from(letters), max_size=3, unique=True))
    right = draw(st.lists(st.sampled_from(letters), max_size=3, unique=True))
    where = draw(st.sampled_from(["left", "right", "both"]))
    left = ["n"] * (where != "right") + left
    right = ["n"] * (where != "left") + right
    everything = sorted(set(left + right) - {"n"})
    result = draw(st.lists(st.sampled_from(everything), unique=True)) if everything else []
    result = draw(st.permutations(result))
    result.insert(0 if draw(st.booleans()) else len(result), "n")
    return where, left, right, f"{''.join(left)},{''.join(right)}->{''.join(result)}", lengths


@settings(max_examples=200, deadline=None, derandomize=True)
@given(contractions())
def test_any_contraction(case):
    """einsum of random subscripts as NumPy's in double, with gradients by swapping operands and result."""
    where, left, right, subscripts, lengths = case
    a, b = random(*(lengths[c] for c in left)), random(*(lengths[c] for c in right), seed=1)
    expected = np.einsum(subscripts, a.astype(np.float64), b.astype(np.float64))
    compare(ops.einsum(subscripts, a, b), expected, 1e-5, "on arrays")
    given_arrays = {"left": [a], "right": [b], "both": [a, b]}[where]

    def function(o, *symbols):
        x = symbols[0] if where != "right" else a
        y = symbols[-1] if where != "left" else b
        return o.einsum(subscripts, x, y)

    traced = Traced(function, given_arrays)
    compare(traced.forward()[0], expected, 1e-5, "traced")
    dy = random(*expected.shape, seed=2)
    mine, _ = traced.backward([dy])
    one, other, result = subscripts.replace("->", ",").split(",")
    wanted = []
    for own, there, array in ((one, other, b), (other, one, a)):
        # The gradient is constant along axes that were summed over alone.
        free = "".join(c for c in own if c not in result and c not in there)
        kept = "".join(c for c in own if c not in free)
        g = np.einsum(f"{result},{there}->{kept}", dy.astype(np.float64), array.astype(np.float64))
        wanted.append(np.einsum(f"{kept},{free}->{own}", g, np.ones([lengths[c] for c in free])))
    chosen = {"left": wanted[:1], "right": wanted[1:], "both": wanted}[where]
    for d, correct in zip(mine, chosen, strict=True):
        compare(d, correct, 1e-5, "gradient")


SYMBOL = SymbolicTensor((None, 4, 5))
WRONG = {
    "inner sizes": (lambda: ops.matmul(A, A), ValueError, "expected the last axis of x1 as long as the next to last"),
    "numbers": (lambda: ops.matmul(A, 2.0), ValueError, "expected at least one axis each"),
    "leading sizes": (lambda: ops.matmul(A[:3], B), ValueError, "do not broadcast"),
    "symbolic": (lambda: SYMBOL @ np.ones((4, 3)), ValueError, r"\(None, 4, 5\) and \(4, 3\)"),
    "a diagonal": (lambda: ops.einsum("bii->bi", SYMBOL), ValueError, "names an axis twice.*no diagonals"),
    "terms": (lambda: ops.einsum("ij,jk->ik", W), ValueError, "has 2 terms; there are 1 operands"),
    "letters": (lambda: ops.einsum("ijk->ik", W), ValueError, "does not fit an operand of 2 axes"),
    "a result": (lambda: ops.einsum("ij->ik", W), ValueError, "expected letters of the operands, each once"),
    "lengths": (lambda: ops.einsum("ij,ij->ij", W, W.T), ValueError, "have lengths 5 and 3"),
    "no text": (lambda: ops.einsum(W, "ij"), TypeError, "expected a string"),
    "axes": (lambda: ops.tensordot(W, W, 3), ValueError, "axes is 3; expected at most 2"),
    "pairs": (lambda: ops.tensordot(W, W, [[0, 1], [0]]), ValueError, "as many axes of x1 as of x2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()
