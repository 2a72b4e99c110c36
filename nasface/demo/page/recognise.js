// From a picture to faces with descriptors, and how far two of them are apart.
import { scaledTemplate, similarity, warp } from "./align.js";

/** A network that describes faces, with what its file says about itself. */
export class Describer {
  constructor(model, { metadata, template }) {
    [this.model, this.metadata] = [model, metadata];
    this.size = model.shape[1];
    this.template = scaledTemplate(template, this.size);
  }

  /** What the network says of an aligned picture. */
  async raw(picture) {
    return Object.values(await this.model.run(normalise(picture, this.metadata.preprocessing)))[0];
  }

  /** The same as a descriptor of unit length. */
  async describe(picture) {
    const values = await this.raw(picture);
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)) || 1;
    return values.map((value) => value / norm);
  }

  /** The faces of a picture, each with its descriptor and the square that the network saw. */
  async faces(detector, picture) {
    const found = await detector.detect(picture);
    for (const face of found) {
      face.square = warp(picture, similarity(face.points, this.template), this.size);
      face.descriptor = await this.describe(face.square);
    }
    return found;
  }
}

/** Network input: (RGB / 255 - mean) / std, in the order of operations of nasface.preprocessing. */
export function normalise(picture, { mean, std }) {
  const scale = std.map((value) => Math.fround(1 / (255 * value)));
  const shift = std.map((value, k) => Math.fround(mean[k] / value));
  return Float32Array.from(picture.data, (value, i) => Math.fround(value * scale[i % 3]) - shift[i % 3]);
}

/** Squared L2 distance of two unit descriptors, 0 to 4. */
export function distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Who in a gallery, descriptors by name, is nearest to a descriptor: {name, distance}; null if nobody is in it. */
export function nearest(gallery, descriptor) {
  let best = null;
  for (const [name, descriptors] of gallery) {
    for (const other of descriptors) {
      const d = distance(other, descriptor);
      if (!best || d < best.distance) best = { name, distance: d };
    }
  }
  return best;
}
