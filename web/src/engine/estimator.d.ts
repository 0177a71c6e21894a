// The built module has no types of its own; the binding's stand for them.
declare module "*/build/wasm/estimator.mjs" {
  const create: typeof import("../../../wasm/estimator").default;
  export default create;
}
