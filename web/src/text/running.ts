// Texts of work that takes a while.

export const running = (done: string) => `${done} estimates so far`;
export const runningOf = (done: string, all: string) => `${done} of ${all} estimates`;
export const cancel = "Stop";
export const failed = (why: string) => `This could not be worked out: ${why}.`;
