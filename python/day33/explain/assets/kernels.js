// The filters of a layer as pictures; pointing at one reads its weights.
day33.widgets.kernels = (root, {kernels, scale, sums, norms}) => {
  const readout = day33.readout();
  root.append(readout, day33.element("div", {class: "maps"}, ...kernels.map((channels, o) =>
    day33.panel(`filter ${o}`, "", day33.element("div", {class: "maps tight"}, ...channels.map((values, c) => {
      const map = new day33.Map({
        label: `filter ${o}, channel ${c}`, values, rem: 5.5, scale,
        on: (r, s) => {
          root.querySelectorAll(".frame").forEach((frame) => { frame.hidden = true; });
          map.frame([r, s, r, s]);
          readout.textContent = `filter ${o}, channel ${c}, weight (${r}, ${s}) = ${day33.format(values[r][s])}; ` +
            `the filter's weights add up to ${day33.format(sums[o])}, its norm is ${day33.format(norms[o])}.`;
        },
      });
      return map.node;
    }))))));
};
