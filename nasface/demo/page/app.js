// The page: loads the networks, then hands them to the panels.
import { similarity } from "./align.js";
import { Problem, asset, json } from "./assets.js";
import { circlePanel } from "./circle.js";
import { comparePanel } from "./compare.js";
import { identifyPanel } from "./identify.js";
import { Describer } from "./recognise.js";
import { Model, startRuntime } from "./runtime.js";
import { speedPanel } from "./speed.js";
import { Detector } from "./yunet.js";

const status = document.getElementById("status");

function say(text) {
  status.classList.remove("problem");
  status.textContent = text;
}

function fail(error) {
  status.classList.add("problem");
  status.textContent = error instanceof Problem ? error.message : `This did not work (${error.message || error}); load the page again, or report it.`;
  console.error(error);
}

async function start() {
  const config = await json("demo.json");
  const runtime = await startRuntime();
  const load = async (entry, backend) => Model.load(await asset(entry.file), backend);
  const detector = new Detector(config.detector.sizes, config.detector.template, load);
  const describe = async (entry) => new Describer(await load(entry), entry);
  const state = { describer: config.models.length ? await describe(config.models[0]) : null };
  let turn = Promise.resolve();
  const inTurn = (work) => (turn = turn.catch(() => {}).then(work)); // the runtime does one thing at a time
  const faces = (picture) =>
    inTurn(() => {
      if (!state.describer) throw new Problem("There is no network yet: choose a budget under “Your network”, and search.");
      return state.describer.faces(detector, picture);
    });
  const metadata = () => state.describer?.metadata ?? {};
  const compare = comparePanel({ faces, say, fail, metadata });
  const identify = identifyPanel({ faces, say, fail, threshold: compare.threshold });
  const choose = (entry) =>
    inTurn(async () => {
      const before = state.describer;
      state.describer = await describe(entry);
      before?.model.delete();
    }).then(async () => {
      const forgotten = identify.forget();
      await compare.again();
      say(`${entry.name} recognises now.${forgotten ? " Enrol everybody again: descriptors of another network are of no use." : ""}`);
    });
  const speed = await speedPanel({ load, choose, inTurn, say, fail, runtime });
  config.models.forEach((entry) => speed.add(entry));
  about(config, runtime);
  const receive = async (entry) => {
    await choose(entry);
    speed.add(entry, true);
    return state.describer.model;
  };
  if (config.circle) circlePanel({ version: config.version, receive, say, fail });
  if (!config.circle) say("Ready.");
  document.body.dataset.ready = "yes";
  return { runtime, state, faces, compare, identify, similarity };
}

function about(config, runtime) {
  const facts = { version: `nasface ${config.version}`, runtime, networks: config.models.map(({ name }) => name).join(", ") || "searched for this device" };
  const list = document.getElementById("facts");
  for (const [name, text] of Object.entries(facts)) {
    list.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: text }));
  }
  document.getElementById("caveat").textContent = config.caveat;
}

function tabs() {
  const all = [...document.querySelectorAll("[role=tab]")];
  const open = (tab) => {
    all.forEach((other) => {
      other.setAttribute("aria-selected", other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    });
  };
  all.forEach((tab) => {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const shown = all.filter((other) => !other.hidden);
      const next = shown[(shown.indexOf(tab) + step + shown.length) % shown.length];
      open(next);
      next.focus();
    });
  });
}

tabs();
globalThis.nasface = start().catch(fail);
