// The matrix C of a convolution and its transpose, with the row and the column of the cell that is pointed at.
day33.widgets.matrix = (root, {axes, x, kernel, y}) => {
  const [rows, columns] = axes;
  const small = rows.small * columns.small, large = rows.large * columns.large;
  const entries = [];
  for (let i = 0; i < rows.small; i++)
    for (let j = 0; j < columns.small; j++)
      kernel[0][0].forEach((line, u) => line.forEach((weight, v) => {
        const r = day33.place(rows, i, u), s = day33.place(columns, j, v);
        if (day33.inside(axes, r, s)) entries.push([i * columns.small + j, r * columns.large + s, weight]);
      }));
  const largest = Math.max(...entries.map(([, , w]) => Math.abs(Number(w))), 1e-30);
  const drawn = [false, true].map((turned) => draw(turned));
  const input = new day33.Grid({label: "input", values: x[0], on: (i, j) => day33.tell("small", i, j)});
  const output = new day33.Grid({label: "output", values: y[0], on: (r, s) => day33.tell("large", r, s)});
  const readout = day33.readout();
  root.append(day33.row(
    day33.panel(input.label, day33.shape(rows.small, columns.small), input.scroller),
    day33.panel(output.label, day33.shape(rows.large, columns.large), output.scroller)), readout,
  day33.element("div", {class: "matrices"},
    day33.panel("C", day33.shape(small, large), drawn[0].node),
    day33.panel("Cᵀ", day33.shape(large, small), drawn[1].node)));
  day33.listeners.push(show);
  show("small", Math.floor(rows.small / 2), Math.floor(columns.small / 2));

  function draw(turned) {
    const [height, width] = turned ? [large, small] : [small, large];
    const band = day33.svg("rect", {class: "band"});
    const node = day33.svg("svg", {
      class: "matrix", viewBox: `-0.15 -0.15 ${width + .3} ${height + .3}`, role: "img",
      style: `aspect-ratio: ${width} / ${height}; max-width: ${Math.max(width * 15, 60)}px`,
      "aria-label": `${turned ? "the transpose of " : ""}the matrix of the convolution, ${height} by ${width}`,
    }, day33.svg("rect", {class: "ground", width, height}));
    for (const [q, p, weight] of entries) {
      const cell = day33.svg("rect", {
        x: turned ? q : p, y: turned ? p : q, width: 1, height: 1,
        class: Number(weight) < 0 ? "entry negative" : "entry",
        style: `--share:${(Math.abs(Number(weight)) / largest).toFixed(3)}`,
      });
      const point = () => { if (!day33.held) day33.tell("small", Math.floor(q / columns.small), q % columns.small); };
      cell.addEventListener("pointerenter", point);
      node.append(cell);
    }
    node.append(band);
    return {node, band, turned};
  }

  function show(side, r, s) {
    const onSmall = side === "small";
    const index = onSmall ? r * columns.small + s : r * columns.large + s;
    for (const {band, turned} of drawn) {
      const across = onSmall !== turned;
      const box = across ? {x: 0, y: index, width: turned ? small : large, height: 1}
        : {x: index, y: 0, width: 1, height: turned ? large : small};
      for (const [key, value] of Object.entries(box)) band.setAttribute(key, value);
    }
    const there = entries.filter(([q, p]) => (onSmall ? q : p) === index);
    const cellsOf = (n, width) => [Math.floor(n / width), n % width];
    if (onSmall) {
      input.light([[r, s]], [[r, s]]);
      output.light(there.map(([, p, w]) => [...cellsOf(p, columns.large), `×${day33.short(w)}`]));
    } else {
      output.light([[r, s]], [[r, s]]);
      input.light(there.map(([q, , w]) => [...cellsOf(q, columns.small), `×${day33.short(w)}`]));
    }
    readout.textContent = onSmall
      ? `input (${r}, ${s}) is number ${index}: row ${index} of C, column ${index} of Cᵀ, with ${there.length} weights.`
      : `output (${r}, ${s}) is number ${index}: column ${index} of C, row ${index} of Cᵀ, with ${there.length} weights.`;
  }
};
