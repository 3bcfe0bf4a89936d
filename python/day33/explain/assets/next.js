// The next word: probabilities on a path, step by step, with temperature and top-k on the model's own logits.
day33.widgets.next = (root, {prompt, words, paths}) => {
  let path = 0, step = 0, temperature = 1, topK = 0;
  const sentence = day33.element("p", {class: "sentence"});
  const bars = day33.element("div", {class: "bars", role: "list", "aria-label": "the most probable words"});
  const readout = day33.readout();
  const steps = day33.slider({label: "Step", min: 1, max: paths[0].tokens.length, step: 1, value: 1, show: (n) => String(n),
    on(n) { step = n - 1; draw(); }});
  const choice = day33.choice("Path", paths.map(({name}) => name), (n) => {
    path = n;
    steps.input.max = paths[n].tokens.length;  // A value beyond it falls to it.
    steps.set(steps.input.value);
  });
  root.append(choice, steps.node,
    day33.slider({label: "Temperature", min: 0, max: 2, step: .05, value: 1, show: (n) => n.toFixed(2),
      on(n) { temperature = n; draw(); }}).node,
    day33.slider({label: "Top-k", min: 0, max: Math.min(50, words.length), step: 1, value: 0,
      show: (n) => (n === 0 ? "off" : String(n)), on(n) { topK = n; draw(); }}).node,
    sentence, bars, readout);
  draw();

  function draw() {
    const {tokens, logits} = paths[path];
    sentence.replaceChildren(...[...prompt, ...tokens.map((token) => words[token])].map((word, n) => {
      const place = n - prompt.length;
      return day33.element("span", {class: place === step ? "word chosen" : place > step ? "word later" : "word"}, word);
    }));
    const shares = day33.probabilities(logits[step].map(Number), temperature, topK);
    const order = shares.map((_, n) => n).sort((a, b) => shares[b] - shares[a] || a - b).slice(0, 12)
      .filter((n) => shares[n] > 0);
    if (!order.includes(tokens[step])) order.push(tokens[step]);
    bars.replaceChildren(...order.map((n) => day33.element("div",
      {class: n === tokens[step] ? "bar chosen" : "bar", role: "listitem", "data-token": n, "data-share": shares[n]},
      day33.element("span", {class: "name"}, words[n]),
      day33.element("span", {class: "track"}, day33.element("span", {class: "fill", style: `width:${100 * shares[n]}%`})),
      day33.element("span", {class: "value"}, `${(100 * shares[n]).toFixed(1)} %`))));
    const entropy = shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
    readout.textContent = `After “${[...prompt, ...tokens.slice(0, step).map((t) => words[t])].join(" ")}” the path goes on ` +
      `with “${words[tokens[step]]}” (${(100 * shares[tokens[step]]).toFixed(1)} %). The model hesitates as among ` +
      `${day33.short(Math.exp(entropy))} equally likely words.`;
  }
};
