// A matrix product: an output, its row of the input and its column of the kernel.
day33.widgets.product = (root, {x, kernel, bias, y}) => {
  const input = new day33.Grid({label: "input", values: x, on: (r) => show(r, last[1])});
  const taps = new day33.Grid({label: "kernel", values: kernel, on: (_, c) => show(last[0], c)});
  const output = new day33.Grid({label: "output", values: y, on: show});
  const offsets = bias ? new day33.Grid({label: "bias", values: [bias]}) : null;
  const readout = day33.readout();
  const sized = (grid) => day33.panel(grid.label, day33.shape(grid.rows, grid.columns), grid.scroller);
  root.append(day33.row(sized(input), day33.sign("×"), sized(taps),
    ...(offsets ? [day33.sign("+"), sized(offsets)] : []), day33.sign("="), sized(output)), readout);
  let last = [0, 0];
  show(0, 0);

  function show(r, c) {
    last = [r, c];
    input.light(x[r].map((_, n) => [r, n]));
    taps.light(kernel.map((_, n) => [n, c]));
    if (offsets) offsets.light([[0, c]]);
    output.light([[r, c]], [[r, c]]);
    const terms = x[r].map((value, n) => `${day33.factor(value)}·${day33.factor(kernel[n][c])}`);
    if (bias) terms.push(day33.factor(bias[c]));
    readout.replaceChildren(`output (${r}, ${c}) = ${terms.join(" + ")} = `,
      day33.element("b", {}, day33.format(y[r][c])));
  }
};
