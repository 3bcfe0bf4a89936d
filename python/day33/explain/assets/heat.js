// One map of values, darker where they are larger, with a frame.
day33.widgets.heat = (root, {values, box, label}) => {
  const readout = day33.readout();
  const map = new day33.Map({
    label, values, rem: 26, on: (r, c) => { readout.textContent = `(${r}, ${c}): ${day33.format(values[r][c])}`; },
  });
  map.frame(box);
  root.append(day33.panel(label, day33.shape(values.length, values[0].length), map.node), readout);
};
