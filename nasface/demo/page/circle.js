// The whole circle: this device is measured, a budget is chosen here, the network that was found for it arrives.
import { work } from "./link.js";
import { summary, timed } from "./measure.js";

const RUNS = 50;
const WARMUP = 5;

/** The panel; `receive(entry)` makes a network the one that recognises and gives its model. */
export function circlePanel({ version, receive, say, fail }) {
  const tab = document.getElementById("tab-circle");
  const form = document.getElementById("budget");
  const slider = document.getElementById("ms");
  const found = document.getElementById("found");
  const words = document.getElementById("ms-text");
  tab.hidden = false;
  tab.click();

  const budget = ({ least, most, suggested, reference }) => {
    Object.assign(slider, { min: least, max: most, step: (most - least) / 100, value: suggested });
    const show = () => (words.textContent = `${Number(slider.value).toFixed(1)} ms; EfficientNet-B0 needs about ${reference.toFixed(1)} ms here (estimated)`);
    slider.oninput = show;
    show();
    form.hidden = false;
    say("This device was measured. Choose how long recognising a face may take, and search.");
    return new Promise((go) => {
      form.onsubmit = (event) => {
        event.preventDefault();
        form.hidden = true;
        say("Searching on the computer…");
        go({ ms: Number(slider.value) });
      };
    });
  };

  const take = async ({ model: entry }) => {
    const model = await receive(entry);
    const { times, step } = await timed(model, RUNS, WARMUP);
    const { median, low } = summary(times, step);
    found.textContent = `${entry.name}: predicted ${entry.latency_ms.toFixed(1)} ms (estimated), here ${median.toFixed(1)} ms, fastest ${low.toFixed(1)} ms. It recognises now: open “Two photos”.`;
    say("Your network is here and recognises now.");
    return { median_ms: median, fast_ms: low };
  };

  work(version, say, { budget, take }).then(say).catch(fail);
}
