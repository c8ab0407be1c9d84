// The rate explorer of chapter 3: chooses among recorded runs and draws them with Observable Plot.
// Every number and sentence comes from the page's own data, which lstmreg_utils.explorer computes.
(() => {
  const root = document.getElementById("rate-explorer");
  const sets = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const EPOCHS = { last: "after the last epoch", best: "with early stopping" };
  const TWIN = "currentColor";
  const NARROW = 560; // pixels: below it the figures stand one below the other

  // ---------------------------------------------------------------- controls

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const select = (name, options) =>
    element("select", { id: `explorer-${name}`, name },
      ...options.map(([value, text]) => element("option", { value }, text)));
  const labelled = (text, control) =>
    element("div", { class: "rate-explorer-control" },
      element("label", { for: control.id }, text), control);

  const dataSet = select("data", sets.map((set, index) => [index, set.title]));
  const place = select("place", []);
  const at = select("at", Object.entries(EPOCHS));
  const rate = element("input", { id: "explorer-rate", name: "rate", type: "range", min: 0, step: 1 });
  const shownRate = element("output", { for: rate.id, class: "rate-explorer-rate" });
  const words = element("output", { class: "rate-explorer-words", "aria-live": "polite" });
  const figures = element("div", { class: "rate-explorer-figures" });

  const slider = labelled("Rate", rate);
  slider.classList.add("rate-explorer-slider");
  slider.append(shownRate);
  const controls = element("div", { class: "rate-explorer-controls" },
    labelled("Data set", dataSet), labelled("Placement", place), labelled("Judged", at), slider);

  // ---------------------------------------------------------------- what is chosen

  const chosenSet = () => sets[dataSet.value];
  const chosenArm = () => chosenSet().arms[place.value];
  const chosenRate = () => chosenArm().rates[rate.value];

  /** Placements and rates differ between data sets: keep what was chosen, or the nearest. */
  const offer = () => {
    const [arm, wanted] = [place.selectedOptions[0]?.text, Number(rate.dataset.rate ?? 0.5)];
    place.replaceChildren(...chosenSet().arms.map((each, index) =>
      element("option", { value: index }, each.label)));
    place.value = Math.max(0, chosenSet().arms.findIndex((each) => each.label === arm));
    const rates = chosenArm().rates.map((each) => each.rate);
    rate.max = rates.length - 1;
    rate.value = d3.leastIndex(rates, (each) => Math.abs(each - wanted));
  };

  // ---------------------------------------------------------------- figures

  const frame = (width, options) => {
    const figure = Plot.plot({
      width, height: Math.min(360, Math.max(260, width * 0.75)), marginLeft: 56, marginBottom: 42,
      style: { background: "transparent", color: "inherit", fontSize: "13px", overflow: "visible" },
      ...options,
    });
    // One image to a screen reader: the labels of its parts, "area" and "line", say nothing.
    figure.setAttribute("role", "img");
    for (const part of figure.children) part.setAttribute("aria-hidden", "true");
    return figure;
  };

  const points = (curve) => curve.map(([low, middle, high], index) =>
    ({ epoch: index + 1, low, middle, high }));

  const curves = (width) => {
    const [set, arm, run] = [chosenSet(), chosenArm(), chosenRate()];
    const lines = [[set.twin, TWIN], [run.curves, arm.color]].flatMap(([loss, color]) => [
      Plot.areaY(points(loss.train), { x: "epoch", y1: "low", y2: "high", fill: color, fillOpacity: 0.12 }),
      Plot.areaY(points(loss.test), { x: "epoch", y1: "low", y2: "high", fill: color, fillOpacity: 0.12 }),
      Plot.lineY(points(loss.train), { x: "epoch", y: "middle", stroke: color, strokeWidth: 2 }),
      Plot.lineY(points(loss.test), { x: "epoch", y: "middle", stroke: color, strokeWidth: 2, strokeDasharray: "6 4" }),
    ]);
    const all = [set.twin, ...set.arms.flatMap((each) => each.rates.map((one) => one.curves))];
    const values = all.flatMap((loss) => [...loss.train, ...loss.test].map((triple) => triple[1]));
    return frame(width, {
      ariaLabel: `Losses by epoch, ${set.title}: ${arm.label} ${run.rate} and the twin without dropout`,
      x: { label: "epoch" },
      y: { type: "log", label: "loss, dropout off", domain: d3.extent(values), clamp: true, tickFormat: "~g", ticks: 5 },
      marks: at.value === "last" ? lines : [...lines,
        Plot.ruleX([run.best.epoch], { stroke: arm.color, strokeDasharray: "2 3" })],
    });
  };

  const plane = (width) => {
    const [set, arm, run] = [chosenSet(), chosenArm(), chosenRate()];
    const flat = set.arms.flatMap((each) => each.rates.map((one) =>
      ({ arm: each, rate: one.rate, x: one[at.value].d_train[0], y: one[at.value].d_test[0] })));
    const paths = set.arms.flatMap((each) => [{ arm: each, x: 0, y: 0 }, ...flat.filter((p) => p.arm === each)]);
    const here = run[at.value];
    const [x, x1, x2] = here.d_train;
    const [y, y1, y2] = here.d_test;
    const reach = (name) => {
      const most = d3.max(set.arms, (each) => d3.max(each.rates, (one) => d3.max(one[at.value][name], Math.abs)));
      return { type: "symlog", constant: 0.01, domain: [-2 * most, 2 * most] };
    };
    const end = d3.max([...reach("d_train").domain, ...reach("d_test").domain]);
    const ticks = [-10, -1, -0.1, 0, 0.1, 1, 10];
    const within = (scale) => ({ ...scale, ticks: ticks.filter((tick) => Math.abs(tick) <= scale.domain[1]),
      tickFormat: (tick) => String(tick).replace("-", "−") });
    const corner = (text, frameAnchor, dx, dy) =>
      Plot.text([text], { frameAnchor, dx, dy, fontStyle: "italic", fill: "currentColor", fillOpacity: 0.75 });
    return frame(width, {
      ariaLabel: `Δtrain across and Δtest up, ${set.title}, ${EPOCHS[at.value]}: a path a placement, as its rate rises`,
      x: { ...within(reach("d_train")), label: "Δtrain" },
      y: { ...within(reach("d_test")), label: "Δtest" },
      marks: [
        Plot.ruleX([0], { strokeOpacity: 0.4 }), Plot.ruleY([0], { strokeOpacity: 0.4 }),
        Plot.line([[-end, -end], [end, end]], { strokeOpacity: 0.4, strokeDasharray: "2 3", clip: true }),
        corner("works", "bottom-right", -6, -6), corner("over-regularized", "top-right", -6, 6),
        corner("overfits more", "top-left", 6, 6), corner("optimizes better", "bottom-left", 6, -6),
        Plot.line(paths, { x: "x", y: "y", z: (p) => p.arm.label, stroke: (p) => p.arm.color,
          strokeOpacity: (p) => (p.arm === arm ? 1 : 0.3), strokeWidth: 2 }),
        Plot.dot(flat.filter((p) => p.arm === arm), { x: "x", y: "y", r: 3, fill: arm.color }),
        Plot.dot([{ x: 0, y: 0 }], { x: "x", y: "y", r: 4, fill: "currentColor" }),
        Plot.ruleX([x], { y1, y2, stroke: arm.color, strokeWidth: 2 }),
        Plot.ruleY([y], { x1, x2, stroke: arm.color, strokeWidth: 2 }),
        Plot.dot([{ x, y }], { x: "x", y: "y", r: 8, fill: arm.color, stroke: "currentColor", strokeWidth: 2 }),
      ],
    });
  };

  const captioned = (figure, text) => element("figure", {}, figure, element("figcaption", {}, text));

  const draw = () => {
    const [set, arm, run] = [chosenSet(), chosenArm(), chosenRate()];
    rate.dataset.rate = run.rate;
    rate.setAttribute("aria-valuetext", String(run.rate));
    shownRate.value = run.rate;
    const here = run[at.value];
    words.replaceChildren(
      element("strong", {}, here.words), `, ${EPOCHS[at.value]}. ${here.mean} `,
      element("span", { class: "rate-explorer-numbers" },
        `Δtest ${here.text.d_test}; Δtrain ${here.text.d_train}; Δgap ${here.text.d_gap}; ${set.seeds} pairs.`));
    const whole = figures.clientWidth;
    if (!whole) return; // not laid out yet: the observer draws when it is
    const width = whole < NARROW ? whole : (whole - 24) / 2;
    const stop = at.value === "last" ? "" : " The dotted line is the mean epoch at which these networks are stopped.";
    figures.replaceChildren(
      captioned(curves(width), `In colour: ${arm.label}, ${run.rate}; in the colour of the text: its twin. Training is solid, test dashed. Lines are medians, bands the middle 80 % of the seeds.${stop}`),
      captioned(plane(width), "Each path is a placement as its rate rises, from the twin in the middle. The cross is the 95 % interval of the rate that is chosen; above the dotted line the gap is wider than the twin's."));
  };

  // ---------------------------------------------------------------- start

  root.querySelector(".rate-explorer-off").remove();
  root.append(controls, words, figures);
  offer();
  for (const control of [dataSet, place, at]) control.addEventListener("change", () => { offer(); draw(); });
  rate.addEventListener("input", draw);
  new ResizeObserver(draw).observe(root);
  draw();
})();
