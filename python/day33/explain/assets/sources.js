// One small matrix and several larger ones made of it: where each value goes, and where each result comes from.
day33.widgets.sources = (root, {y, ways, original}) => {
  const width = y[0].length;
  const small = new day33.Grid({label: "values", values: y, on: follow});
  const grids = ways.map((way, n) => new day33.Grid({
    label: way.label, values: way.values, on: (r, s) => trace(n, r, s),
    kind: (r, s) => (way.weights.some((weight) => weight[r][s] !== 0) ? "" : "hole"),
  }));
  const readout = day33.readout();
  const panels = grids.map((grid) => day33.panel(grid.label, day33.shape(grid.rows, grid.columns), grid.scroller));
  const before = original ? [new day33.Grid({label: "before pooling", values: original})] : [];
  root.append(day33.row(day33.panel(small.label, day33.shape(y.length, width), small.scroller), day33.sign("→"),
    ...panels, ...before.map((grid) => day33.panel(grid.label, day33.shape(grid.rows, grid.columns), grid.scroller))),
  readout);
  const note = (weight) => (weight === 1 ? undefined : `×${day33.short(weight)}`);

  function reached(way, n) {
    const places = [];
    way.weights[n].forEach((line, r) => line.forEach((weight, s) => {
      if (weight !== 0) places.push([r, s, note(weight)]);
    }));
    return places;
  }

  function follow(i, j) {
    small.light([[i, j]], [[i, j]]);
    const counts = ways.map((way, n) => {
      const places = reached(way, i * width + j);
      grids[n].light(places);
      return `${way.label}: ${places.length}`;
    });
    readout.textContent = `value (${i}, ${j}) = ${day33.format(y[i][j])} goes to, in cells: ${counts.join("; ")}.`;
  }

  function trace(n, r, s) {
    const from = [], terms = [];
    ways[n].weights.forEach((weight, m) => {
      if (weight[r][s] === 0) return;
      const i = Math.floor(m / width), j = m % width;
      from.push([i, j, note(weight[r][s])]);
      terms.push(weight[r][s] === 1 ? `value (${i}, ${j})`
        : `${day33.factor(weight[r][s])}·${day33.factor(y[i][j])}`);
    });
    small.light(from);
    grids.forEach((grid, m) => grid.light(m === n ? [[r, s]] : [], m === n ? [[r, s]] : []));
    readout.textContent = `${ways[n].label} (${r}, ${s}) = ${terms.join(" + ") || "0, which no value reaches: the gap is filled with it"}` +
      (terms.length ? ` = ${day33.format(ways[n].values[r][s])}` : "");
  }

  follow(0, 0);
};
