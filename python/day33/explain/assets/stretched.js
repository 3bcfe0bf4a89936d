// A transposed convolution as a convolution of the stretched input with the turned kernel: the first channel and filter.
day33.widgets.stretched = (root, {axes, x, kernel, y, stretched, pad}) => {
  const [rows, columns] = axes;
  const z = stretched[0];
  const turned = kernel[0][0].map((row) => row.slice().reverse()).reverse();
  const real = (r, s) => {
    const i = (r - pad[0]) / rows.stride, j = (s - pad[1]) / columns.stride;
    return Number.isInteger(i) && Number.isInteger(j) && i >= 0 && j >= 0 && i < rows.small && j < columns.small;
  };
  const between = (r, s) => r >= pad[0] && s >= pad[1] && r <= pad[0] + (rows.small - 1) * rows.stride &&
    s <= pad[1] + (columns.small - 1) * columns.stride;
  const input = new day33.Grid({
    label: "stretched input", values: z, kind: (r, s) => (real(r, s) ? "" : between(r, s) ? "hole" : "padding"),
  });
  const taps = new day33.Grid({label: "turned kernel", values: turned});
  const output = new day33.Grid({label: "output", values: y[0], on: (r, s) => day33.tell("large", r, s)});
  const readout = day33.readout();
  root.append(day33.row(
    day33.panel(input.label, day33.shape(z.length, z[0].length), input.scroller), day33.sign("∗"),
    day33.panel(taps.label, day33.shape(rows.kernel, columns.kernel), taps.scroller), day33.sign("="),
    day33.panel(output.label, day33.shape(rows.large, columns.large), output.scroller)), readout);
  day33.listeners.push((side, r, s) => {
    if (side === "large") show(r, s);
    else {
      input.light([[pad[0] + r * rows.stride, pad[1] + s * columns.stride]]);
      taps.light([]);
      output.light([]);
      readout.textContent = `input (${r}, ${s}) stands at (${pad[0] + r * rows.stride}, ` +
        `${pad[1] + s * columns.stride}) of the stretched input.`;
    }
  });
  show(Math.floor(rows.large / 2), Math.floor(columns.large / 2));

  function show(r, s) {
    const window = [], terms = [], used = [];
    let zeros = 0;
    turned.forEach((line, u) => line.forEach((weight, v) => {
      const a = r + u * rows.dilation, b = s + v * columns.dilation;
      window.push([a, b, `×${day33.short(weight)}`]);
      if (!real(a, b)) return zeros++;
      used.push([u, v]);
      terms.push(`${day33.factor(z[a][b])}·${day33.factor(weight)}`);
    }));
    input.light(window);
    taps.light(used);
    output.light([[r, s]], [[r, s]]);
    const more = kernel[0].length > 1 ? " + the other channels" : "";
    readout.replaceChildren(`output (${r}, ${s}) = ${terms.join(" + ") || "0"}${more} (${zeros} products with inserted ` +
      "zeros left out) = ", day33.element("b", {}, day33.format(y[0][r][s])));
  }
};
