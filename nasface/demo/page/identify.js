// A gallery in the page's memory, and who stands in front of the camera.
import { count } from "./compare.js";
import { nearest } from "./recognise.js";
import { camera, chooser, show } from "./view.js";
import { fromSource } from "./pictures.js";

/** The panel; `faces(picture)` gives faces with descriptors, `threshold()` the distance of one person's photos. */
export function identifyPanel({ faces, say, fail, threshold }) {
  const gallery = new Map();
  const form = document.getElementById("enrol");
  const answer = document.getElementById("answer");
  const live = document.getElementById("live");
  form.addEventListener("submit", (event) => event.preventDefault());

  const enrol = async (picture) => {
    if (!form.reportValidity()) return;
    const name = document.getElementById("name").value.trim();
    const found = await faces(picture);
    if (found.length !== 1) {
      say(found.length ? "There are several faces in this photo; choose one with a single face." : "No face was found in this photo.");
      return;
    }
    gallery.set(name, [...(gallery.get(name) ?? []), found[0].descriptor]);
    list();
    say(`${name} was enrolled.`);
  };
  chooser(form.querySelector(".choose"), enrol, fail);
  document.getElementById("forget").addEventListener("click", () => {
    forget();
    say("The gallery is empty.");
  });

  const ask = async (picture) => {
    const found = await faces(picture);
    show(live, picture, found);
    answer.textContent = found.length ? found.map(({ descriptor }, i) => (found.length > 1 ? `${i + 1}: ` : "") + who(descriptor)).join(", ") : "no face";
  };
  chooser(document.getElementById("probe"), ask, fail);
  if (navigator.mediaDevices?.getUserMedia) liveButton();

  function who(descriptor) {
    const best = nearest(gallery, descriptor);
    if (!best) return "nobody is enrolled";
    return best.distance < threshold() ? `${best.name} (${best.distance.toFixed(2)})` : `unknown (nearest: ${best.distance.toFixed(2)})`;
  }

  /** Empties the gallery; how many people were in it. */
  function forget() {
    const people = gallery.size;
    gallery.clear();
    answer.textContent = "";
    list();
    return people;
  }

  function list() {
    const items = [...gallery].map(([name, photos]) =>
      Object.assign(document.createElement("li"), { textContent: `${name}: ${count(photos.length, "photo")}` }));
    document.getElementById("people").replaceChildren(...items);
    document.getElementById("forget").hidden = !items.length;
  }

  function liveButton() {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Watch the camera" });
    document.getElementById("probe").append(button);
    let watched = null;
    button.addEventListener("click", () => (watched ? stop() : watch().catch(fail).finally(stop)));

    async function watch() {
      watched = await camera();
      button.textContent = "Stop watching";
      while (watched) {
        const { video } = watched;
        await ask(fromSource(video, video.videoWidth, video.videoHeight));
        await new Promise(requestAnimationFrame); // waits as long as the page is hidden
      }
    }
    function stop() {
      watched?.stop();
      watched = null;
      button.textContent = "Watch the camera";
    }
  }

  return { enrol, ask, forget, gallery };
}
