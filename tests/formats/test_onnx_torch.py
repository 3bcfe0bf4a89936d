"""`from_onnx` of files that torch exported, beside ONNX Runtime."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import day33
from support.onnx_files import BATCHES, predicted, run
from support.twins import assert_all_close

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
nn = torch.nn
PROMISE = 1e-5


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.lstm = nn.LSTM(6, 4, batch_first=True, bidirectional=True, num_layers=2)
        self.gru = nn.GRU(8, 5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        sequence, _ = self.lstm(self.embedding(x))
        sequence, state = self.gru(sequence)
        return self.head(sequence).softmax(-1), state[0]


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.LeakyReLU(0.2))
        self.block = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 6, 1), nn.SiLU())
        self.head = nn.Linear(6 * 16, 4)

    def forward(self, x):
        x = self.first(x)
        x = torch.cat([x + self.block(x), x[:, :, ::2].repeat_interleave(2, dim=2)], 1)[:, 2:8]
        x = nn.functional.max_pool2d(x, 2, ceil_mode=True)
        return self.head(x.view(x.size(0), -1)), x.mean((2, 3))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (part.view(n, t, 2, 4).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, -1))
        weights = (q @ k.transpose(-2, -1) / 2.0).softmax(-1)
        return x + self.out((weights @ v).transpose(1, 2).reshape(n, t, c))


TORCH = {
    "dense": (lambda: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Dropout(), nn.Linear(7, 2), nn.Sigmoid()), (5,)),
    "images": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=2),
            nn.GELU(), nn.Upsample(scale_factor=2), nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(36, 2),
            nn.LayerNorm(2),
        ),
        (3, 8, 8),
    ),
    "decoder": (
        lambda: nn.Sequential(
            nn.Linear(5, 4 * 3 * 3), nn.Unflatten(1, (4, 3, 3)), nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1),
            nn.PReLU(6), nn.ConvTranspose2d(6, 3, 4, 2, 1), nn.Tanh(), nn.ZeroPad2d(1),
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Hardswish(),
        ),
        (5,),
    ),
    "sequences": (
        lambda: nn.Sequential(
            nn.Conv1d(3, 5, 3, padding=2, dilation=2), nn.ELU(), nn.MaxPool1d(2), nn.BatchNorm1d(5),
            nn.ConvTranspose1d(5, 4, 2, 2), nn.Hardsigmoid(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        ),
        (3, 9),
    ),
    "residual": (Residual, (3, 16, 16)),
    "attention": (Transformer, (6, 8)),
    "recurrent": (Recurrent, "tokens"),
}  # fmt: skip


def exported_by_torch(name, path, opset, dynamic=True):
    make, shape = TORCH[name]
    torch.manual_seed(3)
    module = make().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, 0, 0.4)
    x = torch.randint(0, 11, (2, 6)) if shape == "tokens" else torch.randn(2, *shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (x,), str(path), dynamo=False, input_names=["x"], opset_version=opset,
            dynamic_axes={"x": {0: "n"}} if dynamic else None,
        )  # fmt: skip
    return module


def torch_inputs(name, batch):
    rng = np.random.default_rng(batch)
    shape = TORCH[name][1]
    if shape == "tokens":
        return rng.integers(0, 11, (batch, 6))
    return rng.standard_normal((batch, *shape)).astype(np.float32)


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("name", TORCH)
def test_torch(path, name, opset):
    module = exported_by_torch(name, path, 13 if (name, opset) == ("decoder", 11) else opset)  # of unflatten
    model = day33.from_onnx(path)
    for batch in BATCHES:
        x = torch_inputs(name, batch)
        assert_all_close(predicted(model, [x]), run(path, [x]), PROMISE)
    trainable = sum(parameter.numel() for parameter in module.parameters())
    # torch folds batch normalisation into convolutions, spells layer normalisation out before version 17, and has two
    # biases for each gate.
    if name in ("dense", "decoder") or (name == "attention" and opset == 17):
        assert sum(w.value.size for w in model.trainable_variables) == trainable


def test_torch_with_a_fixed_batch(path):
    exported_by_torch("images", path, 17, dynamic=False)
    x = torch_inputs("images", 2)
    model = day33.from_onnx(path)
    assert_all_close(predicted(model, [x]), run(path, [x]), PROMISE)
    assert model.predict(torch_inputs("images", 7), verbose=0).shape == (7, 2)
