// From a face in a photo to the square that the network takes; the same steps as nasface/recognition/alignment.py.
import { even, reduced } from "./resample.js";

/** The similarity that brings `points` nearest to `target` by least squares: [[a, -b, x], [b, a, y]]. */
export function similarity(points, target) {
  const mean = (of) => [0, 1].map((k) => of.reduce((sum, p) => sum + p[k], 0) / of.length);
  const [centre, goal] = [mean(points), mean(target)];
  let [real, imaginary, spread] = [0, 0, 0];
  points.forEach(([px, py], i) => {
    const [x, y] = [px - centre[0], py - centre[1]];
    const [u, v] = [target[i][0] - goal[0], target[i][1] - goal[1]];
    real += x * u + y * v;
    imaginary += x * v - y * u;
    spread += x * x + y * y;
  });
  const [a, b] = [real / spread, imaginary / spread]; // as complex numbers: least squares of target = (a + ib) point
  return [
    [a, -b, goal[0] - a * centre[0] + b * centre[1]],
    [b, a, goal[1] - b * centre[0] - a * centre[1]],
  ];
}

/** The part of a picture that `matrix` brings into a square of `size` pixels; bilinear, black beyond the picture. */
export function warp(picture, matrix, size) {
  const scale = Math.sqrt(Math.abs(determinant(matrix)));
  const block = Math.floor(1 / scale);
  if (block > 1) {
    picture = reduced(picture, block);
    const offset = (block - 1) / 2; // pixel k is the mean of k * block to (k + 1) * block - 1
    matrix = matrix.map(([a, b, c]) => [a * block, b * block, c + (a + b) * offset]);
  }
  const [[a, b, x0], [c, d, y0]] = inverse(matrix);
  const data = new Uint8Array(size * size * 3);
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++, at += 3) {
      sample(picture, a * column + b * row + x0, c * column + d * row + y0, data, at);
    }
  }
  return { width: size, height: size, data };
}

/** The template's points in a square of `size` pixels. */
export function scaledTemplate(template, size) {
  return template.points.map((point) => point.map((value) => value * (size / template.size)));
}

function determinant([[a, b], [c, d]]) {
  return a * d - b * c;
}

/** The way back. */
export function inverse(matrix) {
  const [[a, b, x], [c, d, y]] = matrix;
  const det = determinant(matrix);
  const back = [[d / det, -b / det], [-c / det, a / det]];
  return back.map(([p, q]) => [p, q, -(p * x + q * y)]);
}

function sample({ width, height, data }, x, y, target, at) {
  const clip = (value, last) => Math.min(Math.max(value, 0), last);
  const [px, py] = [clip(x + 1, width + 1), clip(y + 1, height + 1)]; // in a frame of black, one pixel wide
  const [left, top] = [Math.min(Math.trunc(px), width), Math.min(Math.trunc(py), height)];
  const [wx, wy] = [Math.fround(px - left), Math.fround(py - top)];
  const pixel = (column, row, k) =>
    column < 1 || row < 1 || column > width || row > height ? 0 : data[3 * ((row - 1) * width + column - 1) + k];
  const f = Math.fround;
  for (let k = 0; k < 3; k++) {
    const upper = f(f(pixel(left, top, k) * f(1 - wx)) + f(pixel(left + 1, top, k) * wx));
    const lower = f(f(pixel(left, top + 1, k) * f(1 - wx)) + f(pixel(left + 1, top + 1, k) * wx));
    target[at + k] = even(f(f(upper * f(1 - wy)) + f(lower * wy)));
  }
}
