// A convolution: an output cell, its window, the products and their sum; or an input cell and all that read it.
day33.widgets.windows = (root, {axes, x, kernel, y}) => {
  const [rows, columns] = axes;
  let filter = 0;
  const pad = [rows.before, columns.before, rows.after, columns.after];
  const many = x.length > 1;
  const of = (name, c) => (many ? `${name}, channel ${c}` : name);
  const inputs = x.map((values, c) => new day33.Grid({label: of("input", c), values, pad, on: read}));
  const kernels = kernel[0].map((values, c) => new day33.Grid({label: of("kernel", c), values}));
  const products = kernel[0].map((values, c) =>
    new day33.Grid({label: of("products", c), values: values.map((row) => row.map(() => 0))}));
  const output = new day33.Grid({label: "output", values: y[0], on: show});
  const readout = day33.readout();
  const lines = inputs.map((input, c) => day33.row(
    day33.panel(input.label, day33.shape(rows.large, columns.large), input.scroller), day33.sign("×"),
    day33.panel(kernels[c].label, day33.shape(rows.kernel, columns.kernel), kernels[c].scroller), day33.sign("="),
    day33.panel(products[c].label, "", products[c].scroller)));
  const choice = kernel.length > 1
    ? [day33.choice("Filter", kernel.map((_, o) => String(o)), (o) => {
      filter = o;
      kernels.forEach((grid, c) => grid.set(kernel[o][c]));
      output.set(y[o]);
      show(...last);
    })] : [];
  root.append(...choice,
    day33.row(day33.element("div", {class: "stack"}, ...lines), day33.sign(many ? "Σ" : "→"),
      day33.panel(output.label, day33.shape(rows.small, columns.small), output.scroller)), readout);
  let last = [0, 0];

  function show(i, j) {
    last = [i, j];
    const sums = [];
    x.forEach((values, c) => {
      const window = [];
      const line = kernel[filter][c].map((taps, u) => taps.map((weight, v) => {
        const r = day33.place(rows, i, u), s = day33.place(columns, j, v);
        const within = day33.inside(axes, r, s);
        window.push([r, s, `×${day33.short(weight)}`]);
        const value = within ? values[r][s] : 0;
        if (within) sums.push(`${day33.factor(value)}·${day33.factor(weight)}`);
        return Number(value) * Number(weight);
      }));
      inputs[c].light(window);
      kernels[c].light([]);
      products[c].set(line);
    });
    output.light([[i, j]], [[i, j]]);
    readout.replaceChildren(`output (${i}, ${j}) = ${sums.join(" + ")} = `,
      day33.element("b", {}, day33.format(y[filter][i][j])));
  }

  function read(r, s) {
    const readers = [], used = [];
    for (const [i, u] of day33.tapsOf(rows, r))
      for (const [j, v] of day33.tapsOf(columns, s)) {
        readers.push([i, j]);
        used.push([u, v]);
      }
    inputs.forEach((grid) => grid.light([[r, s]], [[r, s]]));
    kernels.forEach((grid) => grid.light(used));
    output.light(readers);
    const count = readers.length;
    readout.textContent = `input (${r}, ${s}) is read by ${count} output${count === 1 ? "" : "s"}: ` +
      readers.map(([i, j]) => `(${i}, ${j})`).join(", ");
  }

  show(Math.floor(rows.small / 2), Math.floor(columns.small / 2));
};
