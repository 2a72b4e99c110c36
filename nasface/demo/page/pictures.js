// Photos as pixels. A picture is {width, height, data}: data holds RGB, three bytes a pixel, row by row.
import { Problem } from "./assets.js";
import { even, resized } from "./resample.js";

const MOST = 4096; // pixels of a side; phones' memory ends before 200 megapixels do

/** A photo from a file, upright as its EXIF data says. */
export async function fromFile(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" }).catch(() => null);
  if (!bitmap) throw new Problem(`${file.name || "This file"} cannot be read as a photo; choose a JPEG, PNG or WebP file.`);
  try {
    return fromSource(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** The picture that anything drawable shows: an image, a video, a canvas. */
export function fromSource(source, width, height) {
  const scale = Math.min(1, MOST / Math.max(width, height));
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(w, h);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, w, h);
  return fromRgba(context.getImageData(0, 0, w, h));
}

/** RGB of RGBA. */
export function fromRgba({ width, height, data }) {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, j = 0; i < data.length; i += 4, j += 3) rgb.set(data.subarray(i, i + 3), j);
  return { width, height, data: rgb };
}

/** Something to draw: the picture on a canvas. */
export function toCanvas({ width, height, data }) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let i = 0, j = 0; j < data.length; i += 4, j += 3) {
    image.data.set(data.subarray(j, j + 3), i);
    image.data[i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** The picture with its longer side at most `side`, and by what its coordinates were multiplied. */
export function shrunk(picture, side) {
  const scale = side / Math.max(picture.width, picture.height);
  if (scale >= 1) return [picture, 1];
  const [width, height] = [picture.width, picture.height].map((size) => Math.max(even(size * scale), 1));
  return [resized(picture, width, height), scale];
}
