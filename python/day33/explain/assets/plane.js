// A shape on the plane, moved by a matrix and a bias; another one to lay it on.
day33.widgets.plane = (root, {points, target}) => {
  const weights = [1, 0, 0, 1], bias = [0, 0];
  const plane = day33.plane({low: -4, high: 7, label: "the shape after the layer, and the one to lay it on"});
  const readout = day33.readout();
  const names = ["x → x", "x → y", "y → x", "y → y"];
  const sliders = [
    ...names.map((name, n) => day33.slider({label: `weight ${name}`, min: -2, max: 2, step: 0.25, value: weights[n],
      on(value) { weights[n] = value; draw(); }})),
    ...["x", "y"].map((name, n) => day33.slider({label: `bias of ${name}`, min: -4, max: 4, step: 0.5, value: 0,
      on(value) { bias[n] = value; draw(); }})),
  ];
  root.append(day33.row(day33.panel("the plane", "", plane.node),
    day33.element("div", {class: "sliders"}, ...sliders.map(({node}) => node))), readout);
  plane.polygon(target, "target", "");
  const moved = plane.polygon(points, "shape-0", "");
  draw();

  function draw() {
    const y = day33.dense(points, [[weights[0], weights[1]], [weights[2], weights[3]]], bias);
    moved.move(y);
    const origin = day33.dense([[0, 0]], [[weights[0], weights[1]], [weights[2], weights[3]]], bias)[0];
    const miss = Math.sqrt(y.reduce((sum, [a, b], n) => sum + (a - target[n][0]) ** 2 + (b - target[n][1]) ** 2, 0));
    readout.replaceChildren(`The origin goes to (${origin.map(day33.format).join(", ")}). `,
      day33.element("b", {}, miss === 0 ? "It lies on the dashed one." : `Off by ${day33.short(miss)}.`));
  }
};
