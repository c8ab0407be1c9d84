// The figures of the explorer: the loss taken apart as bars, which are put in place once and then
// move; its curves and its plane, which are drawn anew. Colours follow the page (explorer.css).

const maker = (space) => (tag, attributes = {}, ...children) => {
  const made = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const element = maker("http://www.w3.org/1999/xhtml");
const shape = maker("http://www.w3.org/2000/svg");
const signed = (x, digits = 3) => x.toFixed(digits).replace("-", "−");
const tick = (x) => String(Number(x.toPrecision(2))).replace("-", "−");
const ends = ([middle, low, high]) =>
  `${signed(middle)} (95 % interval ${signed(low)} to ${signed(high)})`;

const captioned = (figure, text) => element("figure", {}, figure, element("figcaption", {}, text));

// ---------------------------------------------------------------- bars

const PARTS = { train: "Δtrain", gap: "+ Δgap", test: "= Δtest" };
const tracks = {}; // what moves
const bars = element("div", { class: "rate-explorer-bars", role: "img" });
for (const [part, label] of Object.entries(PARTS)) {
  const made = ["margin", "zero", part, "whisker"].map((name) => element("i", { class: name }));
  const number = element("b");
  tracks[part] = { bar: made[2], number };
  [tracks.margin, , , tracks.whisker] = made; // in the end those of Δtest
  const kept = part === "test" ? made : made.slice(1, 3);
  bars.append(element("span", {}, label), element("span", { class: "track" }, ...kept), number);
}
tracks.scale = element("small", { class: "scale" }, ...["", "0", ""].map((end) => element("span", {}, end)));
tracks.note = element("small");
bars.append(element("span"), tracks.scale, element("b"));

/** Δtrain, and from its end Δgap, which together reach as far as Δtest. */
const drawBars = (found, reach, margin) => {
  const put = (bar, from, to) => {
    bar.style.left = `${50 + (50 * Math.min(from, to)) / reach}%`;
    bar.style.width = `${(50 * Math.abs(to - from)) / reach}%`;
  };
  const { train: [train], gap: [gap], test: [test, low, high] } = found;
  put(tracks.train.bar, 0, train);
  put(tracks.gap.bar, train, train + gap);
  put(tracks.test.bar, 0, test);
  put(tracks.whisker, low, high);
  put(tracks.margin, -margin, margin);
  for (const part of Object.keys(PARTS)) tracks[part].number.textContent = signed(found[part][0]);
  tracks.scale.firstChild.textContent = tick(-reach);
  tracks.scale.lastChild.textContent = `+${tick(reach)}`;
  tracks.note.textContent = "Right of 0 the loss is higher than the twin's. "
    + `The line is the 95 % interval of Δtest; less than the grey ±${margin} would not matter.`;
  const sum = `Δtrain ${signed(train)} and Δgap ${signed(gap)} sum to Δtest ${ends(found.test)}`;
  bars.setAttribute("aria-label", `The loss taken apart: ${sum}`);
};

// ---------------------------------------------------------------- curves and plane

const [WIDE, HIGH, LEFT, LOW] = [340, 270, 44, 34]; // of a figure, and the margins of its axes
const linear = (from, to, start, end) => (x) => start + ((x - from) / (to - from)) * (end - start);
const line = (points, attributes) =>
  shape("polyline", { points: points.map((point) => point.join()).join(" "), fill: "none", ...attributes });
const text = (x, y, words, attributes = {}) => shape("text", { x, y, ...attributes }, words);

/** An image of axes to a screen reader; its parts say nothing. */
const frame = (label, across, up, ...children) =>
  shape("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label },
    shape("g", { "aria-hidden": "true" }, ...children,
      text((WIDE + LEFT) / 2, HIGH - 2, across, { "text-anchor": "middle" }),
      text(2, 12, up)));

const drawCurves = (set, arm, run, at) => {
  const all = [set.twin, ...set.arms.flatMap((each) => each.rates)];
  const values = all.flatMap(({ curves }) => [...curves.train, ...curves.test]).filter((loss) => loss > 0);
  const logs = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const y = (loss) => linear(...logs, HIGH - LOW, 22)(Math.log10(Math.max(loss, 10 ** logs[0])));
  const x = linear(1, set.epochs.at(-1), LEFT, WIDE - 8);
  const steps = logs[1] - logs[0] > 1.5 ? [1] : [1, 2, 5];
  const decades = Array.from({ length: 12 }, (_, k) => k - 8);
  const ticks = decades.flatMap((decade) => steps.map((step) => Number(`${step}e${decade}`)))
    .filter((loss) => Math.log10(loss) >= logs[0] && Math.log10(loss) <= logs[1]);
  const of = ({ curves, epoch }, stroke) => [
    ...["train", "test"].map((loss) => line(curves[loss].map((each, k) => [x(set.epochs[k]), y(each)]),
      { stroke, "stroke-width": 2, "data-loss": loss, ...(loss === "test" && { "stroke-dasharray": "6 4" }) })),
    ...(at === "best" ? [line([[x(epoch), 22], [x(epoch), HIGH - LOW]], { stroke, "stroke-dasharray": "2 3" })] : []),
  ];
  const label = `Losses by epoch, ${set.title}: ${arm.label} ${run.rate} and the twin without noise`;
  return frame(label, "epoch", "loss, by its logarithm",
    ...ticks.map((loss) => line([[LEFT, y(loss)], [WIDE - 8, y(loss)]], { class: "grid" })),
    ...ticks.map((loss) => text(LEFT - 5, y(loss) + 4, loss, { "text-anchor": "end" })),
    ...[1, set.epochs.at(-1)].map((epoch) =>
      text(x(epoch), HIGH - LOW + 15, epoch, { "text-anchor": "middle" })),
    ...of(set.twin, "currentColor"), ...of(run, "var(--ink)"));
};

const drawPlane = ({ set, arm, run, shown, whole, reach, meansOf, points }) => {
  const [right, bottom, top] = [WIDE - 8, HIGH - LOW, 22];
  const [x, y] = [linear(-reach, reach, LEFT, right), linear(-reach, reach, bottom, top)];
  const dot = ([across, up], r, attributes) =>
    shape("circle", { cx: x(across), cy: y(up), r, ...attributes });
  const path = (ends, attributes) => line(ends.map(([across, up]) => [x(across), y(up)]), attributes);
  const corner = (across, up, words, anchor) =>
    text(across, up, words, { "text-anchor": anchor, class: "corner" });
  const [[train, trainLow, trainHigh], [test, testLow, testHigh]] = [shown.train, shown.test];
  const box = { x: LEFT, y: top, width: right - LEFT, height: bottom - top };
  const inside = shape("svg", { ...box, viewBox: Object.values(box).join(" ") },
    shape("rect", { ...box, y: y(set.margin), height: y(-set.margin) - y(set.margin), class: "band" }),
    path([[-reach, 0], [reach, 0]], { class: "grid" }),
    path([[0, -reach], [0, reach]], { class: "grid" }),
    path([[-reach, -reach], [reach, reach]], { class: "grid", "stroke-dasharray": "2 3" }),
    ...set.arms.map((each) => path([[0, 0], ...each.rates.map(meansOf)],
      each === arm ? { stroke: "var(--ink)", "stroke-width": 2 } : { class: "other" })),
    ...arm.rates.map((each) => dot(meansOf(each), 3, { fill: "var(--ink)" })),
    dot([0, 0], 4, { fill: "currentColor" }),
    ...points.map((each) => dot([each.train[0], each.test[0]], 2,
      { class: each.words === whole.words ? "draw same" : "draw" })),
    path([[trainLow, test], [trainHigh, test]], { class: "cross" }),
    path([[train, testLow], [train, testHigh]], { class: "cross" }),
    dot([train, test], 6, { fill: "var(--ink)", "fill-opacity": 0.7, stroke: "currentColor", "stroke-width": 2 }));
  const label = `Δtrain across and Δtest up, ${set.title}: ${arm.label} as its rate rises, `
    + `at ${run.rate} Δtrain ${signed(train)} and Δtest ${signed(test)}`;
  return frame(label, "Δtrain", "Δtest", inside,
    ...[-reach, 0, reach].map((at, k) =>
      text(x(at), bottom + 15, tick(at), { "text-anchor": ["start", "middle", "end"][k] })),
    ...[-reach, 0, reach].map((at, k) =>
      text(LEFT - 5, y(at) + [0, 4, 10][k], tick(at), { "text-anchor": "end" })),
    corner(right - 5, bottom - 7, "works", "end"), corner(right - 5, top + 14, "over-regularized", "end"),
    corner(LEFT + 5, top + 14, "overfits more", "start"),
    corner(LEFT + 5, bottom - 7, "optimizes better", "start"));
};
