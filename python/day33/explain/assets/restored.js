// An image, its code, what was made of the code, and the error of each pixel.
day33.widgets.restored = (root, {image, restored, error, code}) => {
  const readout = day33.readout();
  const large = {image, restored, error};
  const read = (r, c) => {
    readout.textContent = `(${r}, ${c}): image ${day33.format(image[r][c])}, reconstruction ` +
      `${day33.format(restored[r][c])}, error ${day33.format(error[r][c])}`;
    maps.forEach((map) => map.frame([r, c, r, c]));
  };
  const scale = Math.max(...image.flat(), ...restored.flat(), 1e-30);
  const maps = Object.entries(large).map(([name, values]) =>
    new day33.Map({label: name, values, rem: 11, ink: name !== "error", scale: name === "error" ? null : scale, on: read}));
  const strip = day33.element("div", {class: "maps tight"}, ...code.map((values, c) =>
    new day33.Map({label: `code, channel ${c}`, values, rem: 3}).node));
  root.append(day33.row(day33.panel("image", "", maps[0].node), day33.sign("→"), day33.panel("code", "", strip),
    day33.sign("→"), day33.panel("reconstruction", "", maps[1].node), day33.panel("error per pixel", "", maps[2].node)),
  readout);
};
