// LiteRT.js: how a .tflite file runs in the page.
import { LiteRt } from "./litert.js";
import { Problem, asset } from "./assets.js";

let runtime;

/** Starts the runtime once; tells its build. */
export function startRuntime() {
  runtime ??= start();
  return runtime;
}

async function start() {
  if (typeof WebAssembly !== "object") {
    throw new Problem("This browser has no WebAssembly, without which no network can run; take a newer one.");
  }
  // The plain build needs relaxed SIMD, which not every phone has; the other runs everywhere.
  const build = (await LiteRt.supportsFeature("relaxedSimd")) ? "litert_wasm" : "litert_wasm_compat";
  self.Module = { wasmBinary: await asset(`${build}.wasm.gz`), print: () => {}, printErr: () => {} };
  const script = URL.createObjectURL(new Blob([await asset(`${build}.js`)], { type: "text/javascript" }));
  await LiteRt.loadLiteRt(`${script}#litert.js`); // a full path, so that nothing is guessed from a folder
  return build === "litert_wasm" ? "litert.js wasm" : "litert.js wasm (no relaxed SIMD)";
}

/** A model that was loaded; inputs and outputs are float32. */
export class Model {
  constructor(compiled) {
    this.compiled = compiled;
    const input = compiled.getInputDetails()[0];
    this.input = input.name;
    this.shape = Array.from(input.shape);
    this.values = this.shape.reduce((a, b) => a * b, 1);
  }

  /** From the bytes of a .tflite file. */
  static async load(bytes, accelerator = "wasm") {
    await startRuntime();
    const compiled = await LiteRt.loadAndCompile(bytes, { accelerator });
    const whole = compiled.options.accelerator === accelerator && compiled.isFullyAccelerated;
    if (whole || accelerator === "wasm") return new Model(compiled);
    compiled.delete(); // parts of it would run elsewhere, and its time would be of neither
    throw new Problem("The graphics processor does not run every part of this network; time it with WebAssembly.");
  }

  /** Outputs by name, each a Float32Array. */
  async run(values) {
    const input = new LiteRt.Tensor(values, this.shape);
    const outputs = await this.compiled.run({ [this.input]: input });
    input.delete();
    const found = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      found[name] = (await tensor.data()).slice();
      tensor.delete();
    }
    return found;
  }

  /** A function that runs the model on the same values every time, and throws away what it says. */
  repeated(values) {
    const input = new LiteRt.Tensor(values, this.shape);
    const accelerated = this.compiled.options.accelerator !== "wasm";
    const once = async () => {
      for (const output of await this.compiled.run([input])) {
        if (accelerated) await output.data(); // else only asked for, not computed
        output.delete();
      }
    };
    return { once, delete: () => input.delete() };
  }

  delete() {
    this.compiled.delete();
  }
}

/** Whether a graphics processor can be asked; a page that is not in a secure context never can. */
export async function hasWebGpu() {
  return Boolean(navigator.gpu && (await navigator.gpu.requestAdapter().catch(() => null)));
}
