// A vote: the members, their votes and probabilities, the counts, and the mean probabilities.
day33.widgets.ballots = (root, {members, classes, counts, shares, picture}) => {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  const best = (values) => values.indexOf(Math.max(...values));
  const named = shares ? classes : [];
  const line = (style, name, vote, values) => day33.element("tr", {class: style},
    day33.element("th", {scope: "row"}, name), day33.element("td", {class: "vote"}, vote),
    ...(values || []).map((value, n) => day33.element("td", {
      class: n === best(values) ? "share largest" : "share", style: `--share:${value}`, "data-value": value,
    }, value.toFixed(2))));
  const ballots = day33.element("table", {class: "ballots"},
    day33.element("thead", {}, day33.element("tr", {},
      ...["member", "vote", ...named].map((label) => day33.element("th", {scope: "col"}, label)))),
    day33.element("tbody", {},
      ...members.map(({name, vote, shares}) => line("ballot", name, vote, shares)),
      ...(shares ? [line("mean", "mean", classes[best(shares)], shares)] : [])));
  const bar = (label, share, value, style) => day33.element("div", {class: `bar ${style}`},
    day33.element("span", {class: "name"}, label),
    day33.element("span", {class: "track"}, day33.element("span", {class: "fill", style: `width:${100 * share}%`})),
    day33.element("span", {class: "value"}, value));
  const table = (title, values, text) => day33.panel(title, "", day33.element("div", {class: "bars"},
    ...classes.map((label, n) => bar(label, values[n], text(n), n === best(values) ? "chosen" : ""))));
  root.append(day33.row(
    ...(picture ? [day33.panel("the image", "", new day33.Map({label: "the image", values: picture, rem: 11, ink: true}).node)] : []),
    day33.panel(shares ? "votes and probabilities" : "votes", `${members.length} members`,
      day33.element("div", {class: "scroll tall", tabindex: "0", role: "region", "aria-label": "votes of the members"}, ballots))),
  day33.element("div", {class: "tables"},
    table("hard voting", counts.map((count) => count / total), (n) => `${counts[n]}`),
    ...(shares ? [table("soft voting", shares, (n) => `${(100 * shares[n]).toFixed(1)} %`)] : [])));
};
