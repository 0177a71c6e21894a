// A command as a shell would cut it, and words as it needs them quoted.

/** Longer than any command that somebody typed. */
export const longestCommand = 20_000;

/** Quotes, backslashes, lines that go on, and comments; nothing is expanded. */
export function splitCommand(command: string): string[] {
  const words: string[] = [];
  let word = "";
  let open = "";
  let begun = false;
  const end = () => {
    if (begun) words.push(word);
    word = "";
    begun = false;
  };
  for (let i = 0; i < command.length; i++) {
    const at = command[i];
    if (open) {
      if (at === open) open = "";
      else if (at === "\\" && open === '"' && i + 1 < command.length) word += command[++i];
      else word += at;
    } else if (at === "'" || at === '"') {
      open = at;
      begun = true;
    } else if (at === "\\" && i + 1 < command.length) {
      const next = command[++i];
      if (next === "\r" && command[i + 1] === "\n") i++;
      else if (next !== "\n") {
        word += next;
        begun = true;
      }
    } else if (at === "#" && !begun) {
      while (i + 1 < command.length && command[i + 1] !== "\n") i++;
    } else if (/\s/.test(at)) {
      end();
    } else {
      word += at;
      begun = true;
    }
  }
  end();
  return words;
}

export const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
