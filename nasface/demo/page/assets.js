// Files of the page: beside it on a server, or inside the page where it is one file.

/** Something that went wrong in a way that a person can read. */
export class Problem extends Error {}

/** The connection to the server stopped; it may come back. */
export class Lost extends Problem {}

/** The bytes of a file, by name; of one that is kept gzipped (`name` ends in .gz), what is in it. */
export async function asset(name) {
  const inside = document.getElementById(`asset:${name}`);
  if (inside) return inflated(Uint8Array.from(atob(inside.textContent), (c) => c.charCodeAt(0)));
  const bytes = await fetched(name);
  return name.endsWith(".gz") ? inflated(bytes) : bytes;
}

/** The bytes of a file of the server, as they travel. */
export async function fetched(name) {
  const answer = await fetch(name).catch(() => null);
  const bytes = answer?.ok ? await answer.arrayBuffer().catch(() => null) : null;
  if (!bytes) throw new Lost(`The file ${name} of this page cannot be loaded; is nasface still running?`);
  return new Uint8Array(bytes);
}

/** The content of a JSON file. */
export async function json(name) {
  return JSON.parse(new TextDecoder().decode(await asset(name)));
}

/** What was gzipped. */
export async function inflated(bytes) {
  if (typeof DecompressionStream !== "function") {
    throw new Problem("This browser cannot unpack the page's files; take one of 2023 or newer.");
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
