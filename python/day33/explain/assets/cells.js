// Grids beside one another, to look at.
day33.widgets.cells = (root, {grids}) => {
  let row = day33.row();
  root.append(row);
  for (const {label, values, sign, note, below} of grids) {
    if (below) root.append(row = day33.row());
    const grid = new day33.Grid({label, values});
    if (sign) row.append(day33.sign(sign));
    const panel = day33.panel(label, day33.shape(values.length, values[0].length), grid.scroller);
    if (note) panel.append(day33.element("p", {class: "small"}, note));
    row.append(panel);
  }
};
