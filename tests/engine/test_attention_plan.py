"""Ops on values between layers with weights: self-attention with a rotary-like turn, against torch in double."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import _native
from support import tolerances
from support.exact import real

torch = pytest.importorskip("torch")

T, E, HEADS = 6, 8, 2
SHAPES = {"query": (E, E), "key": (E, E), "value": (E, E), "out": (E, E)}


def attention_plan():
    b = _native.PlanBuilder()
    x, last = b.input((T, E)), b.input((2,), "int32")
    query, key, value, out = (b.parameter(shape) for shape in SHAPES.values())

    def heads(tensor):
        return b.permute(b.reshape(tensor, (T, HEADS, E // HEADS)), (1, 0, 2))

    q, k, v = (heads(b.dense(x, kernel)) for kernel in (query, key, value))
    # The two halves of each key change places, and one of them its sign.
    half = (HEADS, T, E // HEADS // 2)
    first, second = (b.strided_slice(k, (0, 0, i * half[2]), half, (1, 1, 1)) for i in range(2))
    negative = b.rescaling(second, np.array([-1], np.float32), np.zeros(1, np.float32))
    turned = b.add([k, b.concatenate([negative, first], -1)])
    scores = b.matmul(q, b.permute(turned, (0, 2, 1)))
    weights = b.activation(b.rescaling(scores, np.array([0.5], np.float32), np.zeros(1, np.float32)), "softmax")
    y = b.dense(b.reshape(b.permute(b.matmul(weights, v), (1, 0, 2)), (T, E)), out)
    return b.build([b.gather(y, last, 0)])


def torch_attention(x, last, query, key, value, out):
    def heads(tensor):
        return tensor.reshape(-1, T, HEADS, E // HEADS).transpose(1, 2)

    q, k, v = (heads(x @ kernel) for kernel in (query, key, value))
    first, second = k.chunk(2, -1)
    scores = q @ (k + torch.cat([-second, first], -1)).transpose(2, 3)
    y = (torch.softmax(scores * 0.5, -1) @ v).transpose(1, 2).reshape(-1, T, E) @ out
    return torch.gather(y, 1, last.long()[:, :, None].expand(-1, -1, E))


@pytest.mark.parametrize("samples", [1, 3, 40])
def test_attention(isa, restored_threads, samples):
    plan = attention_plan()
    x, dy = real(0, samples, T, E), real(1, samples, 2, E)
    last = np.random.default_rng(2).integers(0, T, (samples, 2), np.int32)
    kernels = [real(i, *shape) / 2 for i, shape in enumerate(SHAPES.values())]
    doubles = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (x, *kernels)]
    expected = torch_attention(doubles[0], torch.tensor(last), *doubles[1:])
    expected.backward(torch.tensor(dy, dtype=torch.float64))
    for threads in (1, 3):
        _native.set_num_threads(threads)
        y = plan.forward([x, last], kernels)[0]
        (dx, _), gradients = plan.backward([x, last], [dy], kernels)
        for mine, correct in zip([y, dx, *gradients], [expected.detach(), *(d.grad for d in doubles)], strict=True):
            scale = float(correct.abs().max())  # the sums behind one entry cross all of a sample
            tolerances.assert_close(mine, correct.numpy(), length=T * E * samples, magnitude=scale)
