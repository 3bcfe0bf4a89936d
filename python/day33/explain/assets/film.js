// Pictures after each epoch, below the originals.
day33.widgets.film = (root, {frames, epochs, originals}) => {
  const strip = (pictures, name) => pictures.map((values, n) =>
    new day33.Map({label: `${name} ${n}`, values, rem: 5, ink: true, scale: 1}));
  const shown = strip(frames[frames.length - 1], "picture");
  const caption = day33.element("b", {}, "");
  const slider = day33.slider({
    label: "Epoch", min: 0, max: frames.length - 1, step: 1, value: frames.length - 1, show: (n) => String(epochs[n]),
    on: show,
  });
  const line = (title, maps) => day33.element("figure", {class: "panel"}, day33.element("figcaption", {}, title),
    day33.element("div", {class: "maps tight"}, ...maps.map(({node}) => node)));
  root.append(...(originals ? [line(day33.element("b", {}, "originals"), strip(originals, "original"))] : []),
    line(caption, shown), slider.node, day33.player("Play the film", slider, 150));
  show(frames.length - 1);

  function show(n) {
    caption.textContent = `after epoch ${epochs[n]}`;
    shown.forEach((map, m) => map.set(frames[n][m], 1, true));
  }
};
