// A picture of values: white 0, blue above, vermillion below, or ink on paper. Cells can be pointed at and walked through
// with the arrow keys, and a frame drawn around some of them.
day33.Map = class {
  constructor({label, values = null, height, width, rem = 9, scale = null, ink = false, on = null}) {
    this.height = values ? values.length : height;
    this.width = values ? values[0].length : width;
    this.label = label;
    this.canvas = day33.element("canvas", {width: this.width, height: this.height, "aria-hidden": "true"});
    this.box = day33.element("span", {class: "frame", hidden: ""});
    this.node = day33.element("div", {
      class: "map", role: on ? "application" : "img", "aria-label": label,
      style: `aspect-ratio: ${this.width} / ${this.height}; width: ${rem}rem`,
    }, this.canvas, this.box);
    if (values) this.set(values, scale, ink);
    if (on) this.listen(on);
  }

  set(values, scale = null, ink = false) {
    const numbers = values.map((row) => row.map(Number));
    const largest = scale || Math.max(...numbers.flat().filter(Number.isFinite).map(Math.abs), 1e-30);
    const context = this.canvas.getContext("2d"), picture = context.createImageData(this.width, this.height);
    numbers.forEach((row, r) => row.forEach((value, c) => {
      const share = Number.isFinite(value) ? Math.min(Math.abs(value) / largest, 1) : 0;
      const tone = ink ? [20, 20, 24] : value < 0 ? [213, 94, 0] : [0, 114, 178];
      tone.forEach((part, n) => { picture.data[4 * (r * this.width + c) + n] = Math.round(255 + (part - 255) * share); });
      picture.data[4 * (r * this.width + c) + 3] = 255;
    }));
    context.putImageData(picture, 0, 0);
    this.values = values;
    return this;
  }

  // [first row, first column, last row, last column], or null for none.
  frame(box) {
    this.box.hidden = !box;
    if (!box) return;
    const [top, left, bottom, right] = box;
    this.box.style.cssText = `top: ${100 * top / this.height}%; left: ${100 * left / this.width}%; ` +
      `height: ${100 * (bottom - top + 1) / this.height}%; width: ${100 * (right - left + 1) / this.width}%`;
    this.box.dataset.box = box.join(",");
  }

  listen(on) {
    let place = [0, 0];
    const move = (r, c) => {
      place = [Math.max(0, Math.min(this.height - 1, r)), Math.max(0, Math.min(this.width - 1, c))];
      on(...place);
    };
    this.node.tabIndex = 0;
    this.node.addEventListener("pointermove", (event) => {
      const box = this.node.getBoundingClientRect();
      move(Math.floor((event.clientY - box.top) / box.height * this.height),
        Math.floor((event.clientX - box.left) / box.width * this.width));
    });
    this.node.addEventListener("keydown", (event) => {
      const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
      if (!step) return;
      event.preventDefault();
      move(place[0] + step[0], place[1] + step[1]);
    });
  }
};
