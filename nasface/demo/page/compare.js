// Two photos: boxes around faces, red lines between those that are equal.
import { distance } from "./recognise.js";
import { chooser, show, svg } from "./view.js";

/** The panel; `faces(picture)` gives faces with descriptors, `metadata()` what the network says about itself. */
export function comparePanel({ faces, say, fail, metadata }) {
  const pair = document.getElementById("pair");
  const drops = [...pair.querySelectorAll(".drop")];
  const slider = document.getElementById("threshold");
  const sides = [null, null];
  const threshold = () => Number(slider.value);

  const take = (side) => async (picture) => {
    say("Looking for faces…");
    const found = await faces(picture);
    sides[side] = { picture, faces: found, boxes: show(drops[side].querySelector(".view"), picture, found) };
    drops[side].dataset.faces = found.length;
    say(found.length ? `${count(found.length, "face")} in this photo.` : "No face was found in this photo. Faces smaller than about 5 % of the photo are passed over.");
    draw();
  };
  drops.forEach((drop, side) => chooser(drop.querySelector(".choose"), take(side), fail));
  slider.addEventListener("input", draw);
  new ResizeObserver(draw).observe(pair);
  suggest();

  /** The threshold that was measured with the least false accepts, if one was. */
  function suggest() {
    slider.value = stated(metadata())[0]?.squared_l2 ?? 1;
    draw();
  }

  function draw() {
    const limit = threshold();
    document.getElementById("threshold-text").textContent = `${limit.toFixed(2)}: ${rate(stated(metadata()), limit)}`;
    const lines = document.getElementById("lines");
    const rows = document.querySelector("#distances tbody");
    lines.replaceChildren();
    rows.replaceChildren();
    sides.forEach((side) => side?.boxes.forEach((box) => box.classList.remove("equal")));
    const pairs = (sides[0]?.faces ?? []).flatMap((a, i) =>
      (sides[1]?.faces ?? []).map((b, j) => ({ i, j, apart: distance(a.descriptor, b.descriptor) })));
    for (const { i, j, apart } of pairs.sort((one, other) => one.apart - other.apart)) {
      const equal = apart < limit;
      const row = rows.insertRow();
      [i + 1, j + 1, apart.toFixed(3), equal ? "equal" : "different"].forEach((text) => (row.insertCell().textContent = text));
      row.classList.toggle("equal", equal);
      if (equal) join(lines, sides[0].boxes[i], sides[1].boxes[j], apart);
    }
    document.getElementById("distances").hidden = !rows.rows.length;
  }

  function join(lines, first, second, apart) {
    const origin = pair.getBoundingClientRect();
    const [a, b] = [first, second].map((box) => {
      box.classList.add("equal");
      const { left, top, width, height } = box.getBoundingClientRect();
      return [left + width / 2 - origin.left, top + height / 2 - origin.top];
    });
    svg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, lines, `squared L2 ${apart.toFixed(3)}`);
  }

  /** Describes the photos again, after another network was chosen. */
  async function again() {
    suggest();
    for (const [side, shown] of sides.entries()) if (shown) await take(side)(shown.picture);
  }

  return { take, sides, again, threshold };
}

/** The false-accept rate at a threshold in words: between measured ones, on a logarithmic scale. */
export function rate(thresholds, limit) {
  if (!thresholds.length) return "its false-accept rate was not measured";
  const after = thresholds.findIndex(({ squared_l2 }) => squared_l2 >= limit);
  if (after === 0) return `false accepts ${percent(thresholds[0].far)} or fewer`;
  if (after < 0) return `false accepts more than ${percent(thresholds.at(-1).far)}`;
  const [low, high] = [thresholds[after - 1], thresholds[after]];
  const share = (limit - low.squared_l2) / (high.squared_l2 - low.squared_l2);
  return `false accepts about ${percent(low.far * (high.far / low.far) ** share)} (interpolated)`;
}

/** "1 face", "2 faces". */
export function count(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function stated({ thresholds }) {
  return Array.isArray(thresholds) ? [...thresholds].sort((a, b) => a.squared_l2 - b.squared_l2) : [];
}

function percent(share) {
  return `${(100 * share).toPrecision(2)} %`;
}
