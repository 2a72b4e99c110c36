// Making pictures smaller exactly as Pillow does, so that the page finds what Python finds.

const BITS = 22; // of the fixed point in which Pillow weighs 8-bit values

/** A picture in another size; bilinear, averaging where it shrinks (`Image.resize` with BILINEAR). */
export function resized(picture, width, height) {
  return columns(rows(picture, width), height);
}

/** Means over blocks of whole pixels; at the right and lower edge over what is left of one (`Image.reduce`). */
export function reduced({ width, height, data }, block) {
  const [w, h] = [Math.ceil(width / block), Math.ceil(height / block)];
  const sums = new Float64Array(w * h * 3);
  const counts = new Uint32Array(w * h);
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++, from += 3) {
      const cell = Math.floor(y / block) * w + Math.floor(x / block);
      counts[cell]++;
      for (let k = 0; k < 3; k++) sums[3 * cell + k] += data[from + k];
    }
  }
  const mean = (sum, n) => Math.floor(((sum + Math.floor(n / 2)) * Math.floor(2 ** 24 / n)) / 2 ** 24);
  return { width: w, height: h, data: Uint8Array.from(sums, (sum, i) => mean(sum, counts[Math.floor(i / 3)])) };
}

/** Rounded as Python does: a half to the even neighbour. */
export function even(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/** For every new pixel the first old one and the weights of those that it is made of. */
function weights(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const shares = [];
    for (let x = first; x < last; x++) shares.push(Math.max(0, 1 - Math.abs((x - centre + 0.5) / support)));
    const all = shares.reduce((a, b) => a + b, 0);
    return { first, shares: shares.map((share) => Math.trunc((share / all) * 2 ** BITS + 0.5)) };
  });
}

function rows({ width, height, data }, to) {
  if (to === width) return { width, height, data };
  const made = new Uint8Array(to * height * 3);
  const taken = weights(width, to);
  for (let y = 0, at = 0; y < height; y++) {
    for (const { first, shares } of taken) {
      for (let k = 0; k < 3; k++) made[at++] = weighed(data, 3 * (y * width + first) + k, 3, shares);
    }
  }
  return { width: to, height, data: made };
}

function columns({ width, height, data }, to) {
  if (to === height) return { width, height, data };
  const made = new Uint8Array(width * to * 3);
  let at = 0;
  for (const { first, shares } of weights(height, to)) {
    for (let x = 0; x < 3 * width; x++) made[at++] = weighed(data, 3 * width * first + x, 3 * width, shares);
  }
  return { width, height: to, data: made };
}

function weighed(data, start, step, shares) {
  let sum = 2 ** (BITS - 1);
  for (let i = 0; i < shares.length; i++) sum += data[start + i * step] * shares[i];
  return Math.min(255, Math.floor(sum / 2 ** BITS));
}
