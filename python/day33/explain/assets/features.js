// The channels of an image and the maps of each layer behind it; pointing at a map reads its numbers.
day33.widgets.features = (root, {image, layers}) => {
  const readout = day33.readout();
  const largest = Math.max(...image.flat(2).map(Math.abs), 1e-30);
  const line = (title, shape, maps, scale, ink) => {
    const pictures = maps.map((values, c) => {
      const map = new day33.Map({
        label: `${title}, channel ${c}`, values, rem: 5.5, scale, ink,
        on: (r, s) => {
          readout.textContent = `${title}, channel ${c}, (${r}, ${s}): ${day33.format(values[r][s])}`;
          root.querySelectorAll(".frame").forEach((frame) => { frame.hidden = true; });
          map.frame([r, s, r, s]);
        },
      });
      return map.node;
    });
    return day33.panel(title, shape, day33.element("div", {class: "maps tight"}, ...pictures));
  };
  root.append(readout, line("image", day33.shape(image[0].length, image[0][0].length, image.length), image, largest, true),
    ...layers.map(({name, kind, shape, maps, scale}) => line(name, `${kind} ${day33.shape(...shape)}`, maps, scale, false)));
};
