// What pages compute by themselves, when something is moved. Tests hold each function against day33's kernels.
"use strict";
const day33 = {
  // Along one axis (see _pattern.py): the cell of the large side that tap u of the window of cell i is on.
  place: (axis, i, u) => i * axis.stride - axis.before + u * axis.dilation,

  // All [i, u] that are connected with the cell of the large side.
  tapsOf(axis, large) {
    const found = [];
    for (let i = 0; i < axis.small; i++)
      for (let u = 0; u < axis.kernel; u++) if (day33.place(axis, i, u) === large) found.push([i, u]);
    return found;
  },

  inside: (axes, r, s) => r >= 0 && s >= 0 && r < axes[0].large && s < axes[1].large,

  // x[c][i][j] * kernel[c][u][v], summed over c: what one input cell of a transposed convolution lays on its output.
  stamp(x, kernel, i, j) {
    return kernel[0].map((row, u) =>
      row.map((_, v) => kernel.reduce((sum, taps, c) => sum + Number(x[c][i][j]) * Number(taps[u][v]), 0)));
  },

  // The output of a transposed convolution after the first `count` input cells, in rows from the top left.
  stamped(axes, x, kernel, count) {
    const [rows, columns] = axes;
    const y = Array.from({length: rows.large}, () => new Array(columns.large).fill(0));
    for (let n = 0; n < count; n++) {
      const i = Math.floor(n / columns.small), j = n % columns.small;
      day33.stamp(x, kernel, i, j).forEach((line, u) => line.forEach((value, v) => {
        const r = day33.place(rows, i, u), s = day33.place(columns, j, v);
        if (day33.inside(axes, r, s)) y[r][s] += value;
      }));
    }
    return y;
  },

  // Rows times a kernel, plus a bias.
  dense: (rows, kernel, bias = null) => rows.map((row) => kernel[0].map((_, o) =>
    row.reduce((sum, value, c) => sum + value * kernel[c][o], bias ? bias[o] : 0))),

  // Probabilities of the next token: softmax(logits / temperature) over the topK largest (0: over all), on a tie those
  // with the lower number first. Temperature 0 gives everything to the largest.
  probabilities(logits, temperature, topK) {
    const order = logits.map((_, n) => n).sort((a, b) => logits[b] - logits[a] || a - b);
    const kept = order.slice(0, temperature === 0 ? 1 : topK || logits.length);
    const result = new Array(logits.length).fill(0);
    const largest = logits[kept[0]], scale = temperature || 1;
    let sum = 0;
    for (const n of kept) sum += result[n] = Math.exp((logits[n] - largest) / scale);
    for (const n of kept) result[n] /= sum;
    return result;
  },

  // About four significant digits and a true minus sign, as `number` in _words.py.
  format(value) {
    if (typeof value === "string") return value;
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    let text;
    if (Number.isInteger(size) && size < 1e6) text = String(size);
    else if (size >= 1e6 || size < 1e-4) {
      const [mantissa, exponent] = size.toExponential(3).split("e");
      text = `${Number(mantissa)}e${Number(exponent)}`.replace("-", "−");
    } else text = size >= 1e3 ? size.toFixed(0) : String(Number(size.toPrecision(4)));
    return value < 0 ? "−" + text : text;
  },

  // For cells, in which there is room for five signs; as `short` in _words.py.
  short(value) {
    const size = Math.abs(value);
    if (typeof value === "string" || !Number.isFinite(size) || Number.isInteger(size) && size < 1e4) return day33.format(value);
    let text;
    if (size >= 1e4) {
      const [mantissa, exponent] = size.toExponential(0).split("e");
      text = `${mantissa}e${Number(exponent)}`;
    } else text = size.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
    return value < 0 ? "−" + text : text;
  },

  factor: (value) => (day33.format(value).startsWith("−") ? `(${day33.format(value)})` : day33.format(value)),
};
if (typeof module !== "undefined") module.exports = day33;
