// YuNet: faces with five points. The same steps as nasface/recognition/detectors/yunet.py, whose words explain them.
import { inverse, scaledTemplate, similarity, warp } from "./align.js";
import { shrunk } from "./pictures.js";

const SIDE = 640;
const UPRIGHT = 224;
const STRIDES = [8, 16, 32];
const SCORE = 0.6;
const OVERLAP = 0.3;

/** The detector; the runtime wants a model for every size of its input, and `load(entry)` gives one of `entries`. */
export class Detector {
  constructor(entries, template, load) {
    this.entries = [...entries].sort((a, b) => a.width * a.height - b.width * b.height);
    [this.template, this.load, this.models] = [scaledTemplate(template, UPRIGHT / 2), load, new Map()];
  }

  /** The faces of a picture, best first: {box: [left, top, right, bottom], points: five of [x, y], score}. */
  async detect(picture) {
    const [small, scale] = shrunk(picture, SIDE);
    const faces = await this.find(small);
    for (const face of faces) {
      face.box = face.box.map((value) => value / scale);
      face.points = await this.placedBetter(picture, face.points.map(([x, y]) => [x / scale, y / scale]));
    }
    return faces;
  }

  /** The points that are found in an upright picture of a face, if it is found there. */
  async placedBetter(picture, points) {
    const matrix = similarity(points, this.template.map(([x, y]) => [x + UPRIGHT / 4, y + UPRIGHT / 4]));
    const found = await this.find(warp(picture, matrix, UPRIGHT));
    if (!found.length) return points;
    const [[a, b, x0], [c, d, y0]] = inverse(matrix);
    return central(found, UPRIGHT).points.map(([x, y]) => [a * x + b * y + x0, c * x + d * y + y0]);
  }

  async find(picture) {
    const entry = this.entries.find(({ width, height }) => width >= picture.width && height >= picture.height);
    if (!this.models.has(entry)) this.models.set(entry, await this.load(entry));
    const maps = await this.models.get(entry).run(padded(picture, entry.width, entry.height));
    const faces = STRIDES.flatMap((stride) => decode(maps, stride, entry.width, entry.height));
    return suppress(faces.sort((a, b) => b.score - a.score));
  }
}

/** As float32 with black to the right and below. */
function padded(picture, width, height) {
  const values = new Float32Array(width * height * 3);
  for (let row = 0; row < picture.height; row++) {
    const start = row * picture.width * 3;
    values.set(picture.data.subarray(start, start + picture.width * 3), row * width * 3);
  }
  return values;
}

/** What the maps of one stride say. */
function decode(maps, stride, width, height) {
  const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((head) => maps[`${head}_${stride}`]);
  const columns = width / stride;
  const unit = (value) => Math.min(1, Math.max(0, value));
  const faces = [];
  for (let cell = 0; cell < columns * (height / stride); cell++) {
    const score = Math.fround(Math.sqrt(Math.fround(unit(cls[cell]) * unit(obj[cell]))));
    if (score < SCORE) continue;
    const [x, y] = [cell % columns, Math.floor(cell / columns)];
    const [dx, dy, dw, dh] = bbox.subarray(4 * cell, 4 * cell + 4);
    const [cx, cy] = [(x + dx) * stride, (y + dy) * stride];
    const [w, h] = [(Math.exp(dw) * stride) / 2, (Math.exp(dh) * stride) / 2];
    const points = Array.from({ length: 5 }, (_, k) => [
      (x + kps[10 * cell + 2 * k]) * stride,
      (y + kps[10 * cell + 2 * k + 1]) * stride,
    ]);
    faces.push({ box: [cx - w, cy - h, cx + w, cy + h], points, score });
  }
  return faces;
}

/** Of two boxes that overlap too much the better one stays. */
function suppress(faces) {
  const kept = [];
  for (const face of faces) {
    if (kept.every((other) => iou(other.box, face.box) <= OVERLAP)) kept.push(face);
  }
  return kept;
}

function iou(a, b) {
  const w = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const h = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return (w * h) / Math.max(area(a) + area(b) - w * h, Number.MIN_VALUE);
}

/** The face whose box holds the middle of a square, the largest if several do, or else the nearest. */
function central(faces, size) {
  const middle = (size - 1) / 2;
  const beyond = ([left, top, right, bottom]) =>
    Math.hypot(Math.max(left - middle, middle - right, 0), Math.max(top - middle, middle - bottom, 0));
  return [...faces].sort((a, b) => beyond(a.box) - beyond(b.box) || area(b.box) - area(a.box))[0];
}

function area([left, top, right, bottom]) {
  return Math.max(right - left, 0) * Math.max(bottom - top, 0);
}
