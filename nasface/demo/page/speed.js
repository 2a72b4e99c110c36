// How long every network needs on this device.
import { deviceFacts, histogram, summary, timed } from "./measure.js";
import { hasWebGpu } from "./runtime.js";
import { svg } from "./view.js";

const RUNS = 100;
const WARMUP = 5;

/** The panel of networks that are added; `load(entry, backend)` gives a network, `choose(entry)` makes it the one that recognises. */
export async function speedPanel({ load, choose, inTurn, say, fail, runtime }) {
  const rows = document.querySelector("#models tbody");
  const button = document.getElementById("measure");
  const backend = document.getElementById("backend");
  if (await hasWebGpu()) backend.append(new Option("WebGPU", "webgpu"));
  const { device, browser } = await deviceFacts();
  document.getElementById("device").textContent = `As this browser says: ${device}, ${browser}; runtime: ${runtime}, one thread.`;

  const models = [];
  const picks = [];
  button.addEventListener("click", () => inTurn(measure).catch(fail));

  /** Shows a network; the first one recognises until another is chosen, or one is added that does. */
  function add(entry, recognises = false) {
    const row = rows.insertRow();
    [entry.name, "–", "–", "–", "–", (entry.bytes / 1e6).toFixed(2), entry.predicted?.toFixed(4) ?? "–"].forEach((text) => (row.insertCell().textContent = text));
    const pick = Object.assign(document.createElement("button"), { type: "button", textContent: "use" });
    pick.setAttribute("aria-label", `Recognise with ${entry.name}`);
    pick.addEventListener("click", () => choose(entry).then(() => mark(row)).catch(fail));
    row.cells[0].append(" ", pick);
    models.push(entry);
    picks.push(pick);
    picks.forEach((other) => (other.hidden = picks.length < 2));
    mark(recognises || !models.length ? row : rows.rows[0]);
  }

  function mark(chosen) {
    [...rows.rows].forEach((row) => row.setAttribute("aria-selected", row === chosen));
  }

  async function measure() {
    const [bar, warnings] = ["progress", "warnings"].map((id) => document.getElementById(id));
    button.disabled = true;
    bar.hidden = false;
    warnings.replaceChildren();
    try {
      for (const [i, entry] of models.entries()) {
        say(`Timing ${entry.name}…`);
        const model = await load(entry, backend.value);
        const { times, step } = await timed(model, RUNS, WARMUP, async (done) => {
          bar.value = (i + done) / models.length;
          if (Math.round(done * RUNS) % 10 === 0) await new Promise(requestAnimationFrame);
        });
        model.delete();
        const found = summary(times, step);
        const ms = (value) => value.toPrecision(3);
        [ms(found.median), ms(found.low), `${ms(found.mean)} ± ${ms(found.deviation)}`, ms(found.p90)].forEach((text, k) => (rows.rows[i].cells[1 + k].textContent = text));
        found.warnings.forEach((text) => warnings.append(Object.assign(document.createElement("li"), { textContent: `${entry.name}: ${text}` })));
        draw(entry.name, histogram(times));
      }
      say("Done.");
    } finally {
      button.disabled = false;
      bar.hidden = true;
    }
  }

  function draw(name, { low, width, counts }) {
    const figure = document.getElementById("histogram");
    const picture = figure.querySelector("svg");
    const most = Math.max(...counts);
    picture.replaceChildren();
    counts.forEach((count, i) => svg("rect", { x: 20 * i, y: 130 - (125 * count) / most, width: 18, height: (125 * count) / most }, picture, `${count} runs`));
    svg("text", { x: 0, y: 150 }, picture).textContent = `${low.toPrecision(3)} ms`;
    svg("text", { x: 480, y: 150, "text-anchor": "end" }, picture).textContent = `${(low + counts.length * width).toPrecision(3)} ms and more`;
    figure.querySelector("figcaption").textContent = `${RUNS} runs of ${name}`;
    figure.hidden = false;
  }

  return { add };
}
