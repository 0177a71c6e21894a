/** Something the user can mend: its message is one sentence, printed without a stack trace. */
export class Problem extends Error {}

/** What the command's exit status means. */
export const status = { fits: 0, doesNotFit: 1, invalid: 2 } as const;
