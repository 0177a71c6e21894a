// What <gpumem-calculator> shows. Several elements of a page share one engine and one catalog.
import { render } from "preact";
import first from "../../../build/catalog/first.json";
import { Compact } from "../components/Compact";
import { engines } from "../engine/fetched_engines";
import type { Catalog } from "../engine/types";
import { once } from "../import/once";
import type { Place } from "../state/place";
import { sheet } from "./sheet";
import "../app/base.css";
import "./style.css";

const [start, ...later] = engines.map(once);
// Through a name: a literal would be taken for a file to bundle.
const here = import.meta.url;
const home = new URL("../", here).href;

/** Returns how to take it away again, or nothing where it is no longer wanted once the engine is there. */
export async function show(root: ShadowRoot, place: Place, problem: () => string, wanted: () => boolean): Promise<(() => void) | undefined> {
  const engine = await start();
  if (!wanted()) return undefined;
  root.adoptedStyleSheets = [sheet()];
  const content = document.createElement("div");
  root.append(content);
  render(<Compact start={engine} later={later} first={first as Catalog} place={place} problem={problem} home={home} />, content);
  return () => {
    render(null, content);
    content.remove();
  };
}
