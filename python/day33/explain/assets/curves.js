// Curves over the epochs: a name and, dashed, its validation.
day33.widgets.curves = (root, {epochs, curves}) => {
  const names = Object.keys(curves).filter((name) => !name.startsWith("val_") || !(name.slice(4) in curves));
  let name = names.includes("loss") ? names.indexOf("loss") : 0, place = epochs.length - 1;
  const svg = day33.svg("svg", {class: "chart", role: "img", "aria-label": "curves over the epochs"});
  const readout = day33.readout();
  const slider = day33.slider({
    label: "Epoch", min: 0, max: epochs.length - 1, step: 1, value: place, show: (n) => String(epochs[n]),
    on(n) { place = n; draw(); },
  });
  if (names.length > 1) {
    const choice = day33.choice("Curve", names, (n) => { name = n; draw(); });
    choice.querySelectorAll("button").forEach((button, n) => button.setAttribute("aria-pressed", String(n === name)));
    root.append(choice);
  }
  root.append(svg, slider.node, readout);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const share = (event.clientX - box.left - 52) / Math.max(box.width - 64, 1);
    slider.set(Math.max(0, Math.min(epochs.length - 1, Math.round(share * (epochs.length - 1)))));
  });
  new ResizeObserver(draw).observe(root);

  function draw() {
    const width = Math.max(root.clientWidth, 280), height = Math.min(340, width * .62);
    const lines = [["training", curves[names[name]], "shape-0"], ["validation", curves[`val_${names[name]}`], "shape-1"]]
      .filter(([, values]) => values);
    const finite = lines.flatMap(([, values]) => values).filter((value) => typeof value === "number");
    const low = Math.min(...finite), high = Math.max(...finite), range = high - low || 1;
    const x = (n) => 52 + (width - 64) * (epochs.length > 1 ? n / (epochs.length - 1) : .5);
    const y = (value) => 12 + (height - 44) * (1 - (value - low) / range);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    const text = (words, attributes) => {
      const node = day33.svg("text", attributes);
      node.textContent = words;
      svg.append(node);
    };
    for (let n = 0; n <= 4; n++) {
      const value = low + range * n / 4;
      svg.append(day33.svg("line", {class: "guide", x1: 52, x2: width - 12, y1: y(value), y2: y(value)}));
      text(day33.short(value), {x: 46, y: y(value) + 4, class: "label end"});
    }
    text(String(epochs[0]), {x: x(0), y: height - 10, class: "label"});
    text(`epoch ${epochs[epochs.length - 1]}`, {x: width - 12, y: height - 10, class: "label end"});
    lines.forEach(([label, , style], n) => {
      const left = width - 210 + 100 * n;
      svg.append(day33.svg("line", {class: `curve ${style}`, x1: left, x2: left + 22, y1: 22, y2: 22}));
      text(label, {x: left + 27, y: 26, class: "label"});
    });
    svg.append(day33.svg("line", {class: "cursor", x1: x(place), x2: x(place), y1: 12, y2: height - 32}));
    for (const [, values, style] of lines) {
      let path = "", down = false;
      values.forEach((value, n) => {
        if (typeof value !== "number") { down = false; return; }
        path += `${down ? "L" : "M"}${x(n).toFixed(1)} ${y(value).toFixed(1)}`;
        down = true;
      });
      svg.append(day33.svg("path", {class: `curve ${style}`, d: path}));
      if (typeof values[place] === "number")
        svg.append(day33.svg("circle", {class: style, cx: x(place), cy: y(values[place]), r: 5}));
    }
    readout.textContent = `${names[name]} after epoch ${epochs[place]}: ` +
      lines.map(([label, values]) => `${label} ${day33.format(values[place])}`).join(", ");
  }
  draw();
};
