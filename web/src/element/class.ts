// <gpumem-calculator>: the shell that a page loads at once. What it shows comes when it stands in a page.
import type { Estimate, Scenario } from "../engine/types";
import { parseJson } from "../import/json";
import { isTree } from "../state/paths";
import { type Place, tellOf } from "../state/place";
import * as text from "../text/embed";
import { fieldAttributes, scenarioOf } from "./attributes";

// Pages that are made on a server import this, too, and have no elements there.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

declare global {
  interface HTMLElementTagNameMap {
    "gpumem-calculator": GpumemCalculator;
  }
}

export class GpumemCalculator extends Base {
  static readonly observedAttributes = [...fieldAttributes, "scenario"];

  #root?: ShadowRoot;
  /** Changes with every start and every end, so that what was begun earlier knows that it is over. */
  #turn?: object;
  #given?: Scenario;
  #problem = "";
  #estimate?: Estimate;
  #asked?: Scenario;
  #stop?: () => void;
  #changed?: () => void;
  #reading = false;

  /** What is calculated: as it was given, then with what the visitor changed. */
  get scenario(): Scenario | undefined {
    return this.#asked ?? this.#given;
  }
  set scenario(scenario: Scenario | undefined) {
    this.#given = scenario;
    this.#readAgain();
  }

  /** The last estimate. */
  get estimate(): Estimate | undefined {
    return this.#estimate;
  }

  connectedCallback(): void {
    this.#takeEarlyProperty();
    this.#root ??= this.attachShadow({ mode: "open" });
    if (!this.#turn) void this.#start(this.#root, (this.#turn = {}));
  }

  /** Moved elsewhere, it goes on as it is; a moment later it is known whether it was. */
  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#stop?.();
      this.#stop = this.#asked = this.#turn = undefined;
      this.#root?.replaceChildren();
    });
  }

  attributeChangedCallback(): void {
    this.#readAgain();
  }

  async #start(root: ShadowRoot, turn: object): Promise<void> {
    // What stands between its tags is seen until there is an answer, and if there never is one.
    root.replaceChildren(document.createElement("slot"));
    try {
      const { show } = await import("./show");
      const stop = await show(root, this.#place(root), () => this.#problem, () => this.#turn === turn);
      if (stop && this.#turn === turn) this.#stop = stop;
      else stop?.();
    } catch (error) {
      if (this.#turn !== turn) return;
      this.#turn = undefined;
      const said = document.createElement("p");
      said.setAttribute("role", "alert");
      said.textContent = `${text.noStart} ${(error as Error).message}`;
      root.append(said);
    }
  }

  #place(root: ShadowRoot): Place {
    return {
      read: () => this.#read(),
      write: () => {},
      watch: (changed) => {
        this.#changed = changed;
        return () => (this.#changed = undefined);
      },
      tell: (estimate, scenario) => {
        if (!this.#problem) root.querySelector("slot")?.remove();
        this.#asked = this.#problem ? undefined : scenario;
        this.#estimate = this.#problem ? { ok: false, issues: [{ path: "scenario", code: "unreadable", message: this.#problem }] } : estimate;
        tellOf(this, this.#estimate);
      },
    };
  }

  #read(): Record<string, unknown> | undefined | null {
    this.#problem = "";
    try {
      const written = this.getAttribute("scenario");
      const scenario = this.#given ?? (written ? parseJson(written) : undefined);
      if (scenario !== undefined && !isTree(scenario)) throw new Error(text.noObject);
      return scenarioOf((name) => this.getAttribute(name), scenario as Record<string, unknown> | undefined);
    } catch (error) {
      this.#problem = text.unreadable((error as Error).message);
      return null;
    }
  }

  /** Once for all attributes that change together. */
  #readAgain(): void {
    if (this.#reading || !this.#changed) return;
    this.#reading = true;
    queueMicrotask(() => {
      this.#reading = false;
      this.#changed?.();
    });
  }

  /** Set before the element was defined, a property hides the accessor of its name. */
  #takeEarlyProperty(): void {
    if (!Object.hasOwn(this, "scenario")) return;
    const { scenario } = this as { scenario?: Scenario };
    delete (this as { scenario?: Scenario }).scenario;
    this.scenario = scenario;
  }
}
