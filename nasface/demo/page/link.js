// The page's end of the link to Python: says hello, does what it is asked, one thing after another.
import { Problem, inflated } from "./assets.js";
import { clockStep, deviceFacts, timed } from "./measure.js";
import { Model, startRuntime } from "./runtime.js";

const PAUSE_MS = 2000; // before the computer is tried again

/** Works until it is told that it is over; `tasks` are what can be asked for besides timing, by name. */
export async function work(version, say, tasks = {}) {
  const facts = await deviceFacts();
  const about = { ...facts, runtime: `${await startRuntime()} in ${facts.browser}` };
  const { page, purpose } = await hello(version, about, say);
  const screen = await awake();
  const files = new Map();
  const all = { time: (request) => time(request, files), ...tasks };
  for (let done = 0; ; ) {
    const request = await post("next", { page }).catch(() => null);
    if (!request) {
      say("The computer does not answer; trying again. Is nasface still running there?");
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    } else if (request.do === "end") {
      screen?.release();
      return request.words;
    } else if (request.do !== "wait") {
      const answer = await all[request.do](request, say);
      if (request.do === "time") say(`${purpose} ${++done} blocks of runs so far.`);
      await post("answer", { page, number: request.number, ...answer }).catch(() => null); // asked again if it was lost
    }
  }
}

async function hello(version, about, say) {
  for (;;) {
    const found = await post("hello", { version, about }).catch(() => null);
    if (found?.refused) throw new Problem(found.refused);
    if (found) return found;
    say("The computer does not answer; trying again.");
    await new Promise((go) => setTimeout(go, PAUSE_MS));
  }
}

async function post(path, message) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(message) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Times a model; a block during which the page was hidden is run again. */
async function time({ file, runs, warmup }, files) {
  const model = await loaded(file, files).catch((error) => error);
  if (!(model instanceof Model)) return { refused: String(model.message ?? model) };
  try {
    for (;;) {
      await visible();
      let hidden = false;
      const watch = () => (hidden = true);
      document.addEventListener("visibilitychange", watch, { once: true });
      const { times, batch, step } = await timed(model, runs, warmup);
      document.removeEventListener("visibilitychange", watch);
      if (!hidden) return { times_ms: times, batch, notes: { batch, clock_step_ms: step.toPrecision(2), ...(await battery()) } };
    }
  } catch (error) {
    return { refused: String(error.message ?? error) };
  } finally {
    model.delete();
  }
}

/** A model; what was fetched stays packed in memory, so that every file travels once. */
async function loaded(file, files) {
  if (!files.has(file)) {
    const answer = await fetch(file);
    if (!answer.ok) throw new Error(await answer.text());
    files.set(file, new Uint8Array(await answer.arrayBuffer()));
  }
  return Model.load(await inflated(files.get(file)));
}

async function visible() {
  while (document.visibilityState !== "visible") {
    await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
  }
}

async function battery() {
  const state = await navigator.getBattery?.().catch(() => null);
  return state ? { battery: `${Math.round(100 * state.level)} %${state.charging ? ", charging" : ""}` } : {};
}

/** Keeps the screen on where the browser allows it. */
export async function awake() {
  return (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
}
