/** The same promise for every caller; one that failed is tried again by the next. */
export function once<Result>(load: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () =>
    (result ??= load().catch((error) => {
      result = undefined;
      throw error;
    }));
}
