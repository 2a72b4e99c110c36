// The page's end of the link to Python: says hello, does what it is asked, one thing after another.
import { Lost, Problem, fetched, inflated } from "./assets.js";
import { clockStep, deviceFacts, timed } from "./measure.js";
import { Model, startRuntime } from "./runtime.js";

const PAUSE_MS = 2000; // before the computer is tried again

/** Works until it is told that it is over; `tasks` are what can be asked for besides timing, by name. */
export async function work(version, say, tasks = {}) {
  const facts = await deviceFacts();
  const about = { ...facts, runtime: `${await startRuntime()} in ${facts.browser}` };
  const { page, purpose } = await hello(version, about, say);
  const files = new Map();
  const all = { time: (request) => time(request, files), ...tasks };
  const rest = awake();
  let [done, silent] = [0, false];
  const tell = () => say(`${purpose} ${done} ${done === 1 ? "block" : "blocks"} of runs so far.`);
  tell();
  const heard = async (attempt) => {
    for (;;) {
      try {
        const found = await attempt();
        if (silent) tell();
        silent = false;
        return found;
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        silent = true;
        say("The computer does not answer; trying again. Is nasface still running there?");
        await pause(PAUSE_MS);
      }
    }
  };
  try {
    for (;;) {
      const request = await heard(() => post("next", { page }));
      if (request.do === "end") return request.words;
      if (request.do === "wait") continue;
      const answer = await heard(() => all[request.do](request, say));
      await heard(() => post("answer", { page, number: request.number, ...answer })); // once done, it is told until it is heard
      if (request.do === "time") done++, tell();
    }
  } finally {
    rest();
  }
}

async function hello(version, about, say) {
  for (;;) {
    const found = await post("hello", { version, about }).catch(() => null);
    if (found?.refused) throw new Problem(found.refused);
    if (found) return found;
    say("The computer does not answer; trying again.");
    await pause(PAUSE_MS);
  }
}

async function post(path, message) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(message) }).catch(() => null);
  const found = answer?.ok ? await answer.json().catch(() => null) : null;
  if (!found) throw new Lost("The computer does not answer.");
  return found;
}

function pause(ms) {
  return new Promise((go) => setTimeout(go, ms));
}

/** Times a model; a block during which the page was hidden is run again. */
async function time({ file, runs, warmup }, files) {
  if (!files.has(file)) files.set(file, await fetched(file)); // stays packed in memory: every file travels once
  const model = await Model.load(await inflated(files.get(file))).catch((error) => error);
  if (!(model instanceof Model)) return { refused: String(model.message ?? model) };
  let hidden;
  const watch = () => (hidden = true);
  document.addEventListener("visibilitychange", watch);
  try {
    for (;;) {
      await visible();
      hidden = false;
      const { times, batch, step } = await timed(model, runs, warmup);
      await pause(0); // runs let no event in: what happened meanwhile is heard only now
      if (!hidden) return { times_ms: times, batch, notes: { batch, clock_step_ms: step.toPrecision(2), ...(await battery()) } };
    }
  } catch (error) {
    return { refused: String(error.message ?? error) };
  } finally {
    document.removeEventListener("visibilitychange", watch);
    model.delete();
  }
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

/** Keeps the screen on where the browser allows it, until what this gives is called. */
function awake() {
  let lock = null;
  const ask = async () => {
    if (document.visibilityState === "visible") lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  };
  document.addEventListener("visibilitychange", ask); // a page that was hidden has lost its lock
  ask();
  return () => {
    document.removeEventListener("visibilitychange", ask);
    lock?.release();
  };
}
