// What the explorer shows, and what its reader does. Bars, plane and words are drawn from the seeds
// at hand: all that are recorded, or some drawn from these with replacement.

const root = document.getElementById("rate-explorer");
const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
const JUDGED = { last: "After the last epoch", best: "With early stopping" };
const NAMES = { data: "data set", place: "placement", rate: "rate", at: "checkpoint" };
const SHOWN = 300; // draws that the plane shows

// ---------------------------------------------------------------- controls

const select = (name, options) =>
  element("select", { id: `explorer-${name}` },
    ...options.map(([value, text]) => element("option", { value }, text)));
const labelled = (text, control, ...more) =>
  element("div", { class: "rate-explorer-control" },
    element("label", { for: control.id }, text), control, ...more);
const button = (name, key = "") =>
  element("button", { type: "button", id: `explorer-${name}`, ...(key && { "aria-keyshortcuts": key }) });

const keyOf = (set) => set.title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
const dataSet = select("data", data.sets.map((set) => [keyOf(set), set.title]));
const place = select("place", []);
const at = select("at", Object.entries(JUDGED));
const rate = element("input", { id: "explorer-rate", type: "range", min: 0, step: 1 });
const shownRate = element("output", { for: rate.id, class: "rate-explorer-rate" });
const words = element("output", { class: "rate-explorer-words", "aria-live": "polite" });
const once = button("draw", "d");
const often = button("draws", "h");
const back = button("all", "a");
const link = button("link");
const tallied = element("ul", { class: "rate-explorer-tally" });
const figures = element("div", { class: "rate-explorer-figures" });
once.append(`What if I had only ${data.few} seeds? `, element("kbd", {}, "d"));
often.append("Ask 100 times ", element("kbd", {}, "h"));
link.append("Copy a link");

// ---------------------------------------------------------------- what is chosen

const wish = { place: "", rate: 0.5 }; // kept where a data set has not got it
const study = { points: [], tally: new Map() }; // what has been drawn of one setting
const chosenSet = () => data.sets.find((set) => keyOf(set) === dataSet.value);
const chosenArm = () => chosenSet().arms.find((arm) => arm.scheme === place.value);
const chosenRate = () => chosenArm().rates[rate.value];
const state = () => ({ data: dataSet.value, place: place.value, rate: chosenRate().rate, at: at.value });

/** Places and rates differ between data sets: what was wished for, or the first and the nearest. */
const offer = () => {
  const { arms } = chosenSet();
  place.replaceChildren(...arms.map((arm) => element("option", { value: arm.scheme }, arm.label)));
  place.value = (arms.find((arm) => arm.scheme === wish.place) ?? arms[0]).scheme;
  const rates = chosenArm().rates.map((each) => each.rate);
  const far = rates.map((each) => (each === String(wish.rate) ? -1 : Math.abs(each - wish.rate) || 9));
  rate.max = rates.length - 1;
  rate.value = far.indexOf(Math.min(...far));
};

/** What the address asks for; gives what of it is not recorded here, or null if it asks nothing. */
const restore = () => {
  const asked = new URLSearchParams(location.hash.slice(1));
  const names = Object.keys(NAMES).filter((name) => asked.has(name));
  if (!names.length) return null;
  const has = (control, value) => [...control.options].some((option) => option.value === value);
  for (const control of [dataSet, at]) {
    const value = asked.get(control.id.replace("explorer-", ""));
    control.value = has(control, value) ? value : control.options[0].value;
  }
  Object.assign(wish, { place: asked.get("place"), rate: asked.get("rate") ?? 0.5 });
  offer();
  return names.filter((name) => asked.get(name) !== state()[name]);
};

const unpacked = new Map();
/** The differences of an arm to its twin, an array of seeds each. */
const samplesOf = (packed) => {
  if (!unpacked.has(packed)) {
    const numbers = (text) => [...new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer)];
    const all = Object.entries(packed).filter(([name]) => name !== "early");
    unpacked.set(packed, Object.fromEntries(all.map(([name, text]) => [name, numbers(text)])));
  }
  return unpacked.get(packed);
};
const meansOf = (run) => ["d_train", "d_test"].map((name) => mean(samplesOf(run[at.value])[name]));

/** What the rule says of all recorded seeds, or of some by their places. */
const judge = (places) => {
  const [run, n] = [chosenRate(), places?.length ?? chosenRate().n];
  const all = Object.entries(samplesOf(run[at.value]));
  const samples = Object.fromEntries(all.map(([name, values]) =>
    [name, places ? places.map((place) => values[place]) : values]));
  const { early } = run[at.value];
  return takeApart(samples, { margin: chosenSet().margin, critical: data.critical[n], early });
};

/** A round number, which draws of few seeds will hardly reach beyond. */
const reachOf = () => {
  const [{ d_train, d_test }, run] = [samplesOf(chosenRate()[at.value]), chosenRate()];
  const gap = d_test.map((value, k) => value - d_train[k]);
  const far = [d_train, d_test, gap].map((values) =>
    Math.abs(mean(values)) + 3 * Math.sqrt((squaredError(values) * run.n) / data.few));
  const most = Math.max(...far, 2 * chosenSet().margin);
  const decade = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 5, 7, 10].map((step) => step * decade).find((step) => step >= most);
};

// ---------------------------------------------------------------- what is shown

const addToTally = (found) => {
  study.tally.set(found.words, (study.tally.get(found.words) ?? 0) + 1);
  study.points = [...study.points, found].slice(-SHOWN);
  study.count += 1;
};

const drawTally = (whole) => {
  const rows = [...study.tally].sort((one, other) => other[1] - one[1]);
  tallied.replaceChildren(...rows.map(([said, times]) => element("li", { class: said === whole ? "same" : "other" },
    element("i", { style: `width: ${(100 * times) / study.count}%` }),
    `${said}: ${times} of ${study.count}${said === whole ? ", as all seeds say" : ""}`)));
};

/** Where the seeds of a draw are from, and how often the words stayed. */
const drawnFrom = (n, whole) => {
  const few = n > data.few ? "" : ": a bootstrap, which takes what these few say for the truth";
  const same = `${study.tally.get(whole) ?? 0} of ${study.count} such draws`;
  return `${data.few} seeds drawn from the ${n} recorded, with replacement${few}. `
    + `${same} say what all ${n} seeds say: ${whole}.`;
};

/** Redraw all from the seeds of the last draw, or from all; `complaint` opens the sentence. */
const draw = (found = null, complaint = "") => {
  const [set, arm, run, whole, reach] = [chosenSet(), chosenArm(), chosenRate(), judge(), reachOf()];
  const shown = found ?? whole;
  rate.setAttribute("aria-valuetext", run.rate);
  rate.disabled = arm.rates.length < 2;
  shownRate.value = run.rate;
  root.style.setProperty("--arm", arm.color);
  const parts = `Δtest ${ends(shown.test)}; Δtrain ${ends(shown.train)}; Δgap ${ends(shown.gap)}`;
  words.replaceChildren(`${complaint}${JUDGED[at.value]}: `, element("strong", {}, shown.words),
    `. ${data.effects[shown.effect]} ${data.causes[shown.cause]} `,
    element("span", { class: "rate-explorer-numbers" },
      `${parts}; ${found ? drawnFrom(run.n, whole.words) : `all ${run.n} recorded seeds.`}`));
  back.replaceChildren(`All ${run.n} seeds `, element("kbd", {}, "a"));
  back.disabled = !found;
  drawBars(shown, reach, set.margin);
  drawTally(whole.words);
  const stop = at.value === "last" ? "" : " Dotted: the mean epoch at which each is stopped.";
  const lines = `Means of all ${run.n} seeds, dropout off; training solid, test dashed. In colour `
    + `${arm.label}, ${run.rate}; in the colour of the text its twin.${stop}`;
  const dots = study.count ? " A small dot is a draw: full where it says what all seeds say." : "";
  const path = "The path is this placement as its rate rises, from the twin in the middle, on the scale "
    + `of the bars. The cross is the 95 % interval; above the dotted line the gap is wider than the twin's.${dots}`;
  const { points } = study;
  figures.replaceChildren(
    captioned(drawCurves(set, arm, run, at.value), lines),
    captioned(drawPlane({ set, arm, run, shown, whole, reach, meansOf, points }), path));
};

// ---------------------------------------------------------------- what a reader does

const choose = () => {
  Object.assign(study, { points: [], tally: new Map(), count: 0 });
  offer();
};
const remember = () => history.replaceState(null, "", `#${new URLSearchParams(state())}`);
const ask = (times) => {
  let found;
  for (let time = 0; time < times; time += 1) {
    const { n } = chosenRate();
    found = judge(Array.from({ length: data.few }, () => Math.floor(Math.random() * n)));
    addToTally(found);
  }
  draw(found);
};
const followLink = () => {
  const strange = restore();
  if (strange === null) return false;
  choose();
  const named = strange.map((name) => NAMES[name]).join(" and a ");
  draw(null, named && `The link asks for a ${named} that is not recorded here. `);
  return true;
};

for (const control of [dataSet, place, at]) {
  control.addEventListener("change", () => {
    if (control === place) wish.place = place.value;
    choose();
    draw();
  });
}
rate.addEventListener("input", () => {
  wish.rate = chosenRate().rate;
  choose();
  draw();
});
// Not at every "input": browsers refuse an address that changes a hundred times in seconds.
for (const control of [dataSet, place, at, rate]) control.addEventListener("change", remember);
once.addEventListener("click", () => ask(1));
often.addEventListener("click", () => ask(100));
back.addEventListener("click", () => draw());
link.addEventListener("click", () => {
  remember();
  const told = (text) => words.prepend(`${text} `);
  navigator.clipboard?.writeText(location.href)
    .then(() => told("The link is copied."), () => told("The address of the page is the link."))
    ?? told("The address of the page is the link.");
});
root.addEventListener("keydown", (event) => {
  const pressed = [once, often, back].find((each) => each.getAttribute("aria-keyshortcuts") === event.key);
  if (!pressed || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
  pressed.click(); // letters choose an option where a list has the focus
});

root.append(
  element("div", { class: "rate-explorer-controls" },
    labelled("Data set", dataSet), labelled("Placement", place), labelled("Judged", at),
    labelled("Rate", rate, shownRate)),
  words, bars, element("p", { class: "rate-explorer-note" }, tracks.note),
  element("div", { class: "rate-explorer-buttons" }, once, often, back, link), tallied, figures);
choose();
if (followLink()) addEventListener("load", () => root.scrollIntoView());
else draw();
addEventListener("hashchange", followLink);
