// Points on the plane, and how far each lies along the one column of a kernel that two sliders move.
day33.widgets.direction = (root, {shapes, kernel}) => {
  const weights = kernel.map(([w]) => w);
  const plane = day33.plane({low: -1, high: 6, label: "the rectangles, and the direction of the kernel"});
  const lines = day33.svg("svg", {class: "plot", viewBox: "-14 0 29 7", role: "img",
    "aria-label": "the numbers that the layer makes of each corner"});
  const readout = day33.readout();
  const sliders = weights.map((value, n) => day33.slider({
    label: `weight of ${"xy"[n]}`, min: -2, max: 2, step: 0.25, value, on(next) { weights[n] = next; draw(); },
  }));
  root.append(day33.row(day33.panel("corners", "(4, 2) each", plane.node),
    day33.panel("after the layer", "(4,) each", lines)), ...sliders.map(({node}) => node), readout);
  shapes.forEach(({name, points}, n) => plane.polygon(points, `shape-${n}`, name));
  const arrow = day33.svg("line", {class: "arrow"});
  plane.node.append(arrow);
  draw();

  function draw() {
    for (const [key, value] of Object.entries({x1: 0, y1: 0, x2: weights[0] * 1.5, y2: -weights[1] * 1.5}))
      arrow.setAttribute(key, value);
    const numbers = shapes.map(({points}) => day33.dense(points, weights.map((w) => [w])).map(([value]) => value));
    lines.replaceChildren();
    numbers.forEach((row, n) => {
      const height = 1.8 + 2.9 * n;
      lines.append(day33.svg("line", {class: "axis", x1: -13.5, x2: 14.5, y1: height, y2: height}));
      const text = day33.svg("text", {x: -13.5, y: height - .7, class: "tag"});
      text.textContent = shapes[n].name;
      lines.append(text);
      row.forEach((value) => {
        const x = Math.max(-13.5, Math.min(14.5, value));
        lines.append(day33.svg("circle", {class: `shape-${n}`, cx: x, cy: height, r: .3}));
        const digits = day33.svg("text", {x, y: height + 1.2, class: "digits"});
        digits.textContent = day33.format(value);
        lines.append(digits);
      });
    });
    const [wide, high] = numbers.map((row) => row.slice().sort((a, b) => a - b).map(day33.format).join(", "));
    readout.replaceChildren(`wide: ${wide}; high: ${high}: `, day33.element("b", {}, wide === high
      ? "the same numbers, which no later layer can tell apart" : "different numbers"), ".");
  }
};
