// Timing a model: batches long enough for the clock, single figures, what is odd about them.

const STEPS = 40; // a batch lasts at least so many steps of the clock
const MOST_BATCH = 1024;

/** The smallest step of the clock in milliseconds: 0.005 in an isolated page, 0.1 in others, 1 in some. */
export function clockStep() {
  let least = Infinity;
  for (let i = 0; i < 40; i++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    least = Math.min(least, now - start);
  }
  return least;
}

/**
 * Milliseconds of one run: of `runs` runs or more, in batches that the clock can tell. `times` are the batches' means,
 * three or more where so many runs were asked for; `batch` is the runs of each.
 */
export async function timed(model, runs, warmup, tick = async () => {}) {
  const step = clockStep();
  const values = Float32Array.from({ length: model.values }, (_, k) => ((k * 7919) % 255) / 127 - 1);
  const { once, delete: end } = model.repeated(values);
  try {
    for (let i = 0; i < warmup; i++) await once();
    let batch = 1;
    while (batch < MOST_BATCH && (await elapsed(once, batch)) < STEPS * step) batch *= 2;
    const batches = Math.max(Math.min(runs, 3), Math.ceil(runs / batch));
    const times = [];
    while (times.length < batches) {
      times.push((await elapsed(once, batch)) / batch);
      await tick(times.length / batches);
    }
    return { times, batch, step };
  } finally {
    end();
  }
}

async function elapsed(once, batch) {
  const start = performance.now();
  for (let i = 0; i < batch; i++) await once();
  return performance.now() - start;
}

/** Mean, deviation, quantiles and a histogram of times; `warnings` in words. */
export function summary(times, step) {
  const sorted = Float64Array.from(times).sort();
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  const mean = times.reduce((a, b) => a + b, 0) / times.length;
  const deviation = Math.sqrt(times.reduce((sum, t) => sum + (t - mean) ** 2, 0) / times.length);
  const found = { mean, deviation, low: at(0.05), median: at(0.5), p90: at(0.9), p99: at(0.99), warnings: [] };
  if (found.median > 1.25 * found.low) {
    found.warnings.push("The median is far above the fastest runs: something else used this device. Close other programs and measure again.");
  }
  if (step >= 1) found.warnings.push(`This browser's clock has steps of ${step.toPrecision(1)} ms, so single runs are means of batches.`);
  if (document.visibilityState !== "visible") found.warnings.push("The page was in the background; browsers slow it down there.");
  return found;
}

/** Counts of times in equal bins up to the 98 % quantile; the last holds all beyond. */
export function histogram(times, bins = 24) {
  const sorted = Float64Array.from(times).sort();
  const [low, high] = [sorted[0], sorted[Math.floor(0.98 * (sorted.length - 1))] || sorted[0]];
  const width = (high - low) / bins || 1;
  const counts = new Array(bins).fill(0);
  for (const t of times) counts[Math.min(bins - 1, Math.floor((t - low) / width))]++;
  return { low, width, counts };
}

/** What the browser says of the device: {device, browser, ...}, as far as it does. */
export async function deviceFacts() {
  const data = navigator.userAgentData;
  const detail = (await data?.getHighEntropyValues(["model", "platformVersion", "architecture"]).catch(() => null)) ?? {};
  const known = data?.brands?.find(({ brand }) => !/not.a.brand/i.test(brand));
  const platform = data?.platform || navigator.platform || "unknown system";
  const facts = {
    device: [detail.model || platform, `${navigator.hardwareConcurrency || "?"} cores`].join(", "),
    browser: known ? `${known.brand} ${known.version}` : navigator.userAgent.split(" ").at(-1),
    platform: [platform, detail.platformVersion].filter(Boolean).join(" "),
    architecture: detail.architecture,
    isolated: globalThis.crossOriginIsolated ? "yes" : "no",
  };
  return Object.fromEntries(Object.entries(facts).filter(([, text]) => text));
}
