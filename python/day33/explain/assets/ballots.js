// A vote: the members and their votes, the counts, and the mean probabilities.
day33.widgets.ballots = (root, {members, classes, counts, shares, picture}) => {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  const chips = members.map(({name, vote}) => day33.element("li", {class: "ballot", "data-vote": vote},
    day33.element("span", {}, name), day33.element("b", {}, vote)));
  const bar = (label, share, value, style) => day33.element("div", {class: `bar ${style}`},
    day33.element("span", {class: "name"}, label),
    day33.element("span", {class: "track"}, day33.element("span", {class: "fill", style: `width:${100 * share}%`})),
    day33.element("span", {class: "value"}, value));
  const best = (values) => values.indexOf(Math.max(...values));
  const table = (title, values, text) => day33.panel(title, "", day33.element("div", {class: "bars"},
    ...classes.map((label, n) => bar(label, values[n], text(n), n === best(values) ? "chosen" : ""))));
  root.append(day33.row(
    ...(picture ? [day33.panel("the image", "", new day33.Map({label: "the image", values: picture, rem: 11, ink: true}).node)] : []),
    day33.panel("ballots", `${members.length} members`, day33.element("ul", {class: "ballots"}, ...chips))),
  day33.element("div", {class: "tables"},
    table("hard voting", counts.map((count) => count / total), (n) => `${counts[n]}`),
    ...(shares ? [table("soft voting", shares, (n) => `${(100 * shares[n]).toFixed(1)} %`)] : [])));
};
