// The rule of lstmreg_utils.diagnosis on the seeds that a page has drawn: the formulas of
// `intervals.py` and `decomposition.py`. A test holds its words against those of `compare`.

const QUARTER = 0.25;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The squared standard error of a mean; with others, how the errors of two means go together. */
const squaredError = (values, others = values) => {
  const [one, other, n] = [mean(values), mean(others), values.length];
  const products = values.map((value, k) => (value - one) * (others[k] - other));
  return (mean(products) * n) / (n * (n - 1));
};

/** Mean, low and high end; `critical` is how many standard errors they are apart. */
const bounds = (values, critical) => {
  const [middle, half] = [mean(values), critical * Math.sqrt(squaredError(values))];
  return [middle, middle - half, middle + half];
};

/** The ends of Fieller's interval of a share of a mean, which there is none of where it may be 0. */
const shareEnds = (part, whole, critical) => {
  const [partMean, wholeMean, squared] = [mean(part), mean(whole), critical ** 2];
  const a = wholeMean ** 2 - squared * squaredError(whole);
  const b = partMean * wholeMean - squared * squaredError(part, whole);
  const c = partMean ** 2 - squared * squaredError(part);
  const root = Math.sqrt(Math.max(b ** 2 - a * c, 0));
  return a > 0 ? [(b - root) / a, (b + root) / a] : [NaN, NaN];
};

const effectOf = ([, low, high], margin) => {
  if (-margin < low && high < margin) return "no difference";
  return low > 0 ? "hurts" : high < 0 ? "helps" : "undecided";
};

const causeOf = (effect, [low, high]) => {
  const words = {
    helps: ["regularization works", "optimization helped"],
    hurts: ["overfitting made worse", "over-regularization"],
  }[effect];
  if (!words) return "";
  if (low > 1 - QUARTER) return words[0];
  if (high < QUARTER) return words[1];
  return low > QUARTER && high < 1 - QUARTER ? "both" : "undecided";
};

/** Why no cause may be given, '' if one may: the first reason that holds. */
const withheld = (effect, samples, { margin, critical, early }) => {
  const beyond = (name, least, sign = 1) => {
    if (!(name in samples)) return false;
    const [, low, high] = bounds(samples[name].map((value) => sign * value), critical);
    return low > 0 && high >= least;
  };
  const least = QUARTER * margin;
  const better = beyond("d_metric", 0);
  const worse = beyond("d_metric", 0, -1);
  if (early) return "early stopping";
  if (beyond("pace", least) || beyond("twin_pace", least)) return "not finished";
  if (beyond("noise_cost", least, -1)) return "broken expectation";
  return (effect === "helps" && worse) || (effect === "hurts" && better) ? "loss and metric apart" : "";
};

/** Of the differences of an arm to its twin, an array of seeds each: the parts and the words. */
const takeApart = (samples, rule) => {
  const { d_train: train, d_test: test } = samples;
  const gap = test.map((value, k) => value - train[k]);
  const parts = { train, gap, test };
  for (const name of Object.keys(parts)) parts[name] = bounds(parts[name], rule.critical);
  // The gap is no number where a loss of a pair is none.
  const effect = Number.isFinite(parts.gap[0]) ? effectOf(parts.test, rule.margin) : "diverged";
  const found = causeOf(effect, shareEnds(gap, test, rule.critical));
  const reason = found && withheld(effect, samples, rule);
  const words = [effect, reason ? `no cause: ${reason}` : found].filter(Boolean).join(", ");
  return { ...parts, effect, cause: reason || found, words };
};
