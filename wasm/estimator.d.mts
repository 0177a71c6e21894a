// What estimator.mjs makes of the engine.

export interface Estimator {
  /** A scenario and what its names stand for, {config, device}; returns the estimate as JSON text. */
  estimate(scenario: unknown, facts: unknown): string;
  /** The fields that the scenario may have, as JSON text. */
  fields(scenario: unknown, facts: unknown): string;
  /** The words that fields accept, as JSON text. */
  describe(): string;
  version(): string;
}

export default function create(engine: BufferSource | Response): Promise<Estimator>;
