// Receptive fields: a cell of a layer, and what it sees on every layer before it and on the image.
day33.widgets.field = (root, {maps, fields, layer, position}) => {
  let chosen = layer, place = position.slice();
  const readout = day33.readout();
  const drawn = maps.map(({name, kind, shape: [height, width, channels]}, n) => {
    const map = new day33.Map({
      label: name, height, width, on: (r, c) => { if (n > 0) { chosen = n - 1; place = [r, c]; press(chosen); show(); } },
    });
    return {map, panel: day33.panel(name, `${kind} ${day33.shape(height, width, channels)}`, map.node)};
  });
  const choice = day33.choice("Layer", maps.slice(1).map(({name}) => name), (n) => {
    chosen = n;
    const [height, width] = maps[n + 1].shape;
    place = [Math.floor(height / 2), Math.floor(width / 2)];
    show();
  });
  const press = (n) => choice.querySelectorAll("button").forEach((button, m) =>
    button.setAttribute("aria-pressed", String(m === n)));
  root.append(choice, readout, day33.element("div", {class: "maps"}, ...drawn.map(({panel}) => panel)));
  press(chosen);
  show();

  function show() {
    const [rows, columns] = [fields[chosen][0][place[0]], fields[chosen][1][place[1]]];
    drawn.forEach(({map, panel}, n) => {
      panel.classList.toggle("later", n > chosen + 1);
      const [r, c] = [rows[n], columns[n]];
      map.frame(n <= chosen + 1 && r && c ? [r[0], c[0], r[1], c[1]] : null);
    });
    const [r, c] = [rows[0], columns[0]];
    readout.textContent = `${maps[chosen + 1].name} (${place.join(", ")}) sees ` + (r && c
      ? `${r[1] - r[0] + 1} × ${c[1] - c[0] + 1} pixels: rows ${r[0]} to ${r[1]}, columns ${c[0]} to ${c[1]}.` : "no pixel.");
  }
};
