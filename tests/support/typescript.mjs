export { importTypeScript } from "../../scripts/support/typescript.mjs";
