// What widgets are made of: elements, grids of cells, sliders, choices.
day33.widgets = {};

day33.element = (name, attributes = {}, ...children) => day33.build(document.createElement(name), attributes, children);
day33.svg = (name, attributes = {}, ...children) =>
  day33.build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
day33.build = (node, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

day33.panel = (label, shape, ...content) =>
  day33.element("figure", {class: "panel"},
    day33.element("figcaption", {}, day33.element("b", {}, label), shape ? ` ${shape}` : ""), ...content);

day33.sign = (text) => day33.element("span", {class: "sign", "aria-hidden": "true"}, text);
day33.row = (...children) => day33.element("div", {class: "row"}, ...children);

// A line that is read out when it changes.
day33.readout = () => day33.element("p", {class: "readout", "aria-live": "polite"});

day33.choice = (label, names, on) => {
  const buttons = names.map((name, n) => {
    const button = day33.element("button", {type: "button", "aria-pressed": String(n === 0)}, name);
    button.addEventListener("click", () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      on(n);
    });
    return button;
  });
  return day33.element("div", {class: "choice", role: "group", "aria-label": label},
    day33.element("span", {}, label), ...buttons);
};

day33.slider = ({label, min, max, step, value, show = day33.format, on}) => {
  const output = day33.element("output", {}, show(value));
  const input = day33.element("input", {type: "range", min, max, step, value, "aria-label": label});
  input.addEventListener("input", () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    on(Number(input.value));
  });
  const node = day33.element("label", {class: "slider"}, day33.element("span", {}, label), input, output);
  return {node, input, set(next) { input.value = next; input.dispatchEvent(new Event("input")); }};
};

// A button that moves a slider from its start to its end, a step at a time; again to stop.
day33.player = (label, slider, milliseconds) => {
  const button = day33.element("button", {type: "button", class: "play"}, `▶ ${label}`);
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = `▶ ${label}`;
  };
  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    button.textContent = "■ Stop";
    slider.set(slider.input.min);
    timer = setInterval(() => {
      slider.set(Number(slider.input.value) + Number(slider.input.step));
      if (Number(slider.input.value) >= Number(slider.input.max)) stop();
    }, milliseconds);
  });
  return button;
};

// A matrix of cells. Where `on(row, column)` is given, cells can be pointed at, focused (one tab stop, then arrow keys)
// and held by a click, so that the pointer may go elsewhere; Escape or another click lets go.
day33.held = null;
day33.Grid = class {
  constructor({label, values, pad = [0, 0, 0, 0], on = null, kind = () => "", scale = null}) {
    this.rows = values.length;
    this.columns = values[0].length;
    this.pad = pad;
    this.scale = scale;
    this.label = label;
    this.cells = new Map();
    const width = this.columns + pad[1] + pad[3];
    this.node = day33.element("div", {
      class: on ? "grid live" : "grid", role: "grid", "aria-label": label, style: `--columns:${width}`,
    });
    const head = day33.element("div", {class: "line", "aria-hidden": "true"}, day33.element("span", {class: "index"}));
    for (let c = -pad[1]; c < this.columns + pad[3]; c++)
      head.append(day33.element("span", {class: "index"}, c >= 0 && c < this.columns ? String(c) : ""));
    this.node.append(head);
    for (let r = -pad[0]; r < this.rows + pad[2]; r++) {
      const within = r >= 0 && r < this.rows;
      const line = day33.element("div", {class: "line", role: "row"},
        day33.element("span", {class: "index", "aria-hidden": "true"}, within ? String(r) : ""));
      for (let c = -pad[1]; c < this.columns + pad[3]; c++) {
        const real = within && c >= 0 && c < this.columns;
        const cell = day33.element("span", {
          class: `cell ${real ? kind(r, c) : "padding"}`, role: "gridcell", "data-r": r, "data-c": c,
        });
        this.cells.set(`${r},${c}`, cell);
        line.append(cell);
        if (!real) cell.textContent = "0";
        else if (on) this.listen(cell, r, c, on);
      }
      this.node.append(line);
    }
    this.scroller = day33.element("div", {class: "scroll"}, this.node);
    this.set(values);
    if (on) this.at(0, 0).tabIndex = 0;
  }

  at(r, c) { return this.cells.get(`${r},${c}`); }

  set(values) {
    const flat = values.flat().map(Number).filter(Number.isFinite).map(Math.abs);
    const largest = this.scale || Math.max(...flat, 1e-30);
    values.forEach((row, r) => row.forEach((value, c) => {
      const cell = this.at(r, c), text = day33.short(value), share = Math.min(Math.abs(Number(value)) / largest, 1);
      cell.textContent = text;
      cell.dataset.value = value;
      cell.classList.toggle("negative", Number(value) < 0);
      cell.classList.toggle("medium", text.length === 4);
      cell.classList.toggle("long", text.length > 4);
      cell.style.setProperty("--share", Number.isFinite(share) ? share.toFixed(3) : 0);
      cell.setAttribute("aria-label", `${this.label}, row ${r}, column ${c}: ${day33.format(value)}`);
    }));
    return this;
  }

  // Empties all cells, where there is nothing to show.
  clear() {
    for (const cell of this.cells.values()) {
      cell.textContent = "";
      delete cell.dataset.value;
      cell.classList.remove("negative");
      cell.style.setProperty("--share", 0);
      cell.setAttribute("aria-label", `${this.label}: empty`);
    }
    return this;
  }

  listen(cell, r, c, on) {
    cell.tabIndex = -1;
    cell.addEventListener("pointerenter", () => { if (!day33.held) on(r, c); });
    cell.addEventListener("click", () => {
      const again = day33.held === cell;
      day33.release();
      if (again) return;
      day33.held = cell;
      cell.classList.add("held");
      on(r, c);
    });
    cell.addEventListener("focus", () => {
      for (const other of this.cells.values()) if (other.tabIndex === 0) other.tabIndex = -1;
      cell.tabIndex = 0;
      if (!day33.held || day33.held === cell) on(r, c);
    });
    cell.addEventListener("keydown", (event) => {
      const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
      let next = step && this.at(r + step[0], c + step[1]);
      if (event.key === "Home") next = this.at(r, 0);
      if (event.key === "End") next = this.at(r, this.columns - 1);
      if (event.key === "Enter" || event.key === " ") cell.click();
      if (event.key === "Escape") day33.release();
      if (!next && !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      if (next && !next.classList.contains("padding")) {
        day33.release();
        next.focus();
      }
    });
  }

  // Shows which cells matter: those of `places` ([row, column, small text]) are lit, all others fade.
  light(places, chosen = []) {
    for (const cell of this.cells.values()) {
      cell.classList.remove("lit", "chosen");
      delete cell.dataset.note;
    }
    this.node.classList.toggle("lights", places.length + chosen.length > 0);
    for (const [r, c, note] of places) {
      const cell = this.at(r, c);
      if (!cell) continue;
      cell.classList.add("lit");
      if (note !== undefined) cell.dataset.note = note;
    }
    for (const [r, c] of chosen) this.at(r, c).classList.add("chosen");
    return this;
  }
};

day33.release = () => {
  if (day33.held) day33.held.classList.remove("held");
  day33.held = null;
};

// What is pointed at on a page that shows one pattern in several ways: a cell of its small or of its large side.
day33.listeners = [];
day33.tell = (side, r, c) => day33.listeners.forEach((listener) => listener(side, r, c));
day33.shape = (...sizes) => `(${sizes.join(", ")})`;

// A plane with axes, y upwards, and polygons on it: corners in the order of a grid (two rows or columns of two).
day33.plane = ({low, high, label}) => {
  const size = high - low;
  const node = day33.svg("svg", {class: "plane", viewBox: `${low} ${-high} ${size} ${size}`, role: "img", "aria-label": label});
  for (let n = low; n <= high; n++)
    node.append(day33.svg("line", {class: n ? "rule" : "axis", x1: n, x2: n, y1: -high, y2: -low}),
      day33.svg("line", {class: n ? "rule" : "axis", x1: low, x2: high, y1: -n, y2: -n}));
  node.append(day33.svg("path", {class: "origin", d: "M-.18-.18L.18.18M-.18.18L.18-.18"}));
  return {
    node,
    polygon(points, style, name) {
      const area = day33.svg("polygon", {class: style});
      const dots = points.map(() => day33.svg("circle", {class: style, r: .12}));
      const tag = day33.svg("text", {class: "tag"});
      tag.textContent = name;
      const move = (next) => {
        const order = [0, 1, 3, 2].map((n) => next[n]);
        area.setAttribute("points", order.map(([x, y]) => `${x},${-y}`).join(" "));
        next.forEach(([x, y], n) => { dots[n].setAttribute("cx", x); dots[n].setAttribute("cy", -y); });
        tag.setAttribute("x", next[3][0] + .15);
        tag.setAttribute("y", -next[3][1] - .15);
      };
      node.append(area, ...dots, tag);
      move(points);
      return {move};
    },
  };
};
