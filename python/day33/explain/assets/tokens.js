// The loss of each token of a line, and what a line length makes of their sum.
day33.widgets.tokens = (root, {rows, length}) => {
  const readout = day33.readout();
  const largest = Math.max(...rows.map((row) => row.loss), 1e-30);
  const total = rows.reduce((sum, row) => sum + row.loss, 0);
  const bars = rows.map((row, n) => {
    const bar = day33.element("div", {class: "bar", role: "listitem", tabindex: "0", "data-loss": row.loss},
      day33.element("span", {class: "name"}, row.word),
      day33.element("span", {class: "track"},
        day33.element("span", {class: "fill", style: `width:${100 * Math.max(row.loss, 0) / largest}%`})),
      day33.element("span", {class: "value"}, day33.format(row.loss)));
    const show = () => {
      bars.forEach((other) => other.classList.toggle("chosen", other === bar));
      readout.textContent = `After “${row.before}” the model gave “${row.word}” ${(100 * row.share).toFixed(2)} %, as its ` +
        `number ${row.rank}: loss −log(${day33.format(row.share)}) = ${day33.format(row.loss)}.`;
    };
    bar.addEventListener("pointerenter", show);
    bar.addEventListener("focus", show);
    return bar;
  });
  const sums = day33.element("p", {class: "sums"});
  const slider = day33.slider({
    label: "Line length", min: rows.length, max: Math.max(4 * rows.length, length), step: 1, value: length,
    show: (n) => String(n), on: fill,
  });
  root.append(day33.element("div", {class: "bars", role: "list", "aria-label": "loss of each token"}, ...bars), readout,
    slider.node, sums);
  fill(length);

  function fill(n) {
    sums.textContent = `padded loss ${day33.format(total / n)} · loss per real token ${day33.format(total / rows.length)} · ` +
      `perplexity ${day33.format(Math.exp(total / rows.length))}`;
  }
};
