// What a person sees of a picture: the photo, boxes around its faces, a way to choose another.
import { toCanvas, fromFile, fromSource } from "./pictures.js";
import { Problem } from "./assets.js";

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes. */
export function svg(name, attributes, parent, title) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (title) element.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: title }));
  parent?.append(element);
  return element;
}

/** Shows a picture with boxes; gives the boxes' elements in the order of the faces. */
export function show(view, picture, faces) {
  const overlay = svg("svg", { viewBox: `0 0 ${picture.width} ${picture.height}` });
  const size = Math.max(picture.width, picture.height) / 24;
  const boxes = faces.map(({ box: [left, top, right, bottom] }, i) => {
    svg("text", { class: "number", x: left + size / 3, y: top + size, "font-size": size }, overlay).textContent = i + 1;
    return svg("rect", { class: "box", x: left, y: top, width: right - left, height: bottom - top }, overlay, `face ${i + 1}`);
  });
  const canvas = toCanvas(picture);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", faces.length === 1 ? "A photo with one face" : `A photo with ${faces.length} faces`);
  view.replaceChildren(canvas, overlay);
  return boxes;
}

/** Buttons for a file and, where the browser allows it, the camera; `take` gets the picture. */
export function chooser(place, take, fail) {
  const label = Object.assign(document.createElement("label"), { className: "button", textContent: "Choose a photo" });
  const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
  label.append(input);
  place.append(label);
  const read = (file) => fromFile(file).then(take).catch(fail);
  input.addEventListener("change", () => input.files[0] && read(input.files[0]).finally(() => (input.value = "")));
  const drop = place.closest(".drop");
  drop?.addEventListener("dragover", (event) => (event.preventDefault(), drop.classList.add("over")));
  drop?.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop?.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0]);
  });
  if (!navigator.mediaDevices?.getUserMedia) return; // only pages on https and on this machine may ask for a camera
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Camera" });
  button.addEventListener("click", () => snapshot().then(take).catch(fail));
  place.append(button);
}

/** The camera as a video that plays; `stop` ends it. */
export async function camera() {
  const wanted = { video: { facingMode: "user", width: { ideal: 640 } } };
  const stream = await navigator.mediaDevices.getUserMedia(wanted).catch(() => {
    throw new Problem("The camera cannot be used: allow it for this page, or choose a photo instead.");
  });
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  return { video, stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

async function snapshot() {
  const { video, stop } = await camera();
  try {
    await new Promise((done) => setTimeout(done, 400)); // the first frames of many cameras are dark
    return fromSource(video, video.videoWidth, video.videoHeight);
  } finally {
    stop();
  }
}
