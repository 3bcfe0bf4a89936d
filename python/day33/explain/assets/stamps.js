// A transposed convolution: an input cell and its stamp; or an output cell and the inputs whose stamps reach it.
day33.widgets.stamps = (root, {axes, x, kernel, y, overlap}) => {
  const [rows, columns] = axes;
  let filter = 0, last = ["small", Math.floor(rows.small / 2), Math.floor(columns.small / 2)];
  const many = x.length > 1;
  const of = (name, c) => (many ? `${name}, channel ${c}` : name);
  const inputs = x.map((values, c) =>
    new day33.Grid({label: of("input", c), values, on: (i, j) => day33.tell("small", i, j)}));
  const kernels = kernel[0].map((values, c) => new day33.Grid({label: of("kernel", c), values}));
  const stamp = new day33.Grid({label: "stamp", values: kernel[0][0]});
  const output = new day33.Grid({label: "output", values: y[0], on: (r, s) => day33.tell("large", r, s)});
  const readout = day33.readout();
  const cells = rows.small * columns.small;
  const slider = day33.slider({
    label: "Stamps laid", min: 0, max: cells, step: 1, value: cells, show: (n) => `${n} of ${cells}`,
    on(count) {
      output.set(count === cells ? y[filter] : day33.stamped(axes, x, kernel[filter], count));
      if (count > 0 && count < cells) point("small", Math.floor((count - 1) / columns.small), (count - 1) % columns.small);
    },
  });
  const choice = kernel.length > 1
    ? [day33.choice("Filter", kernel.map((_, o) => String(o)), (o) => {
      filter = o;
      kernels.forEach((grid, c) => grid.set(kernel[o][c]));
      slider.set(cells);
      point(...last);
    })] : [];
  const lines = inputs.map((input, c) => day33.row(
    day33.panel(input.label, day33.shape(rows.small, columns.small), input.scroller), day33.sign("×"),
    day33.panel(kernels[c].label, day33.shape(rows.kernel, columns.kernel), kernels[c].scroller)));
  root.append(...choice,
    day33.row(day33.element("div", {class: "stack"}, ...lines), day33.sign("="),
      day33.panel(stamp.label, "", stamp.scroller), day33.sign("→"),
      day33.panel(output.label, day33.shape(rows.large, columns.large), output.scroller)), readout,
    day33.row(slider.node, day33.player("Lay them one by one", slider, 600)));
  day33.listeners.push(point);
  point(...last);

  function point(side, r, s) {
    last = [side, r, s];
    if (side === "small") lay(r, s);
    else gather(r, s);
  }

  function lay(i, j) {
    const values = day33.stamp(x, kernel[filter], i, j);
    const places = [];
    let overlapping = 0;
    values.forEach((line, u) => line.forEach((value, v) => {
      const r = day33.place(rows, i, u), s = day33.place(columns, j, v);
      if (!day33.inside(axes, r, s)) return;
      places.push([r, s, `+${day33.short(value)}`.replace("+−", "−")]);
      if (overlap[r][s] > 1) overlapping++;
    }));
    inputs.forEach((grid) => grid.light([[i, j]], [[i, j]]));
    kernels.forEach((grid) => grid.light([]));
    stamp.set(values).light([]);
    output.light(places);
    const whose = x.map((channel) => day33.format(channel[i][j])).join(", ");
    readout.textContent = `input (${i}, ${j}) = ${whose}: its stamp reaches ${places.length} outputs, of which ` +
      `${overlapping} also belong to other stamps.`;
  }

  function gather(r, s) {
    const terms = [], sources = [], used = [];
    for (const [i, u] of day33.tapsOf(rows, r))
      for (const [j, v] of day33.tapsOf(columns, s)) {
        sources.push([i, j, `×${day33.short(kernel[filter][0][u][v])}`]);
        used.push([u, v]);
        x.forEach((channel, c) =>
          terms.push(`${day33.factor(channel[i][j])}·${day33.factor(kernel[filter][c][u][v])}`));
      }
    inputs.forEach((grid, c) => grid.light(many ? sources.map(([i, j], n) =>
      [i, j, `×${day33.short(kernel[filter][c][used[n][0]][used[n][1]])}`]) : sources));
    kernels.forEach((grid) => grid.light(used));
    stamp.clear().light([]);
    output.light([[r, s]], [[r, s]]);
    readout.replaceChildren(`output (${r}, ${s}) = ${terms.join(" + ") || "0, no stamp reaches it"} = `,
      day33.element("b", {}, day33.format(y[filter][r][s])));
  }
};
