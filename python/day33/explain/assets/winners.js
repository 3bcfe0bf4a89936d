// Max pooling: an output, its window and the winner; or an input and the outputs that it won.
day33.widgets.winners = (root, {axes, x, y, indices}) => {
  const [rows, columns] = axes;
  let channel = 0, last = [0, 0];
  const pad = [rows.before, columns.before, rows.after, columns.after];
  const input = new day33.Grid({label: "input", values: x[0], pad, on: look});
  const output = new day33.Grid({label: "output", values: y[0], on: show});
  const places = new day33.Grid({label: "indices", values: indices[0], on: show});
  const readout = day33.readout();
  for (const [key, cell] of input.cells) if (cell.classList.contains("padding")) cell.textContent = "";
  const choice = x.length > 1 ? [day33.choice("Channel", x.map((_, c) => String(c)), (c) => {
    channel = c;
    input.set(x[c]);
    output.set(y[c]);
    places.set(indices[c]);
    show(...last);
  })] : [];
  root.append(...choice, day33.row(
    day33.panel(input.label, day33.shape(rows.large, columns.large), input.scroller), day33.sign("→"),
    day33.panel(output.label, day33.shape(rows.small, columns.small), output.scroller),
    day33.panel(places.label, "of the winners", places.scroller)), readout);
  const winner = (i, j) => [Math.floor(indices[channel][i][j] / columns.large), indices[channel][i][j] % columns.large];

  function show(i, j) {
    last = [i, j];
    const window = [], values = [];
    for (let u = 0; u < rows.kernel; u++)
      for (let v = 0; v < columns.kernel; v++) {
        const r = day33.place(rows, i, u), s = day33.place(columns, j, v);
        window.push([r, s]);
        if (day33.inside(axes, r, s)) values.push(day33.format(x[channel][r][s]));
      }
    const [r, s] = winner(i, j);
    input.light(window, [[r, s]]);
    output.light([[i, j]], [[i, j]]);
    places.light([[i, j]], [[i, j]]);
    readout.replaceChildren(`output (${i}, ${j}) = max(${values.join(", ")}) = `,
      day33.element("b", {}, day33.format(y[channel][i][j])),
      `, found at (${r}, ${s}): index ${r}·${columns.large} + ${s} = ${indices[channel][i][j]}`);
  }

  function look(r, s) {
    const seen = [], won = [];
    for (const [i] of day33.tapsOf(rows, r))
      for (const [j] of day33.tapsOf(columns, s)) {
        seen.push([i, j]);
        if (winner(i, j)[0] === r && winner(i, j)[1] === s) won.push([i, j]);
      }
    input.light([[r, s]], [[r, s]]);
    output.light(seen, won);
    places.light(seen, won);
    const names = won.map(([i, j]) => `(${i}, ${j})`).join(", ");
    readout.textContent = won.length ? `input (${r}, ${s}) = ${day33.format(x[channel][r][s])} wins output ${names}.`
      : `input (${r}, ${s}) = ${day33.format(x[channel][r][s])} wins nothing: it is dropped.`;
  }

  show(0, 0);
};
