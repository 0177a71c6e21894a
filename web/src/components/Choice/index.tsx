import "./style.css";

interface Props<Word extends string> {
  label: string;
  name: string;
  words: Record<Word, string>;
  /** Below a word, small: what choosing it would change. */
  notes?: Record<string, string>;
  value: string;
  onChoose: (word: Word) => void;
  quiet?: boolean;
}

/** A few words side by side, one of them chosen: radio buttons, so that arrows and screen readers work. */
export function Choice<Word extends string>({ label, name, words, notes, value, onChoose, quiet }: Props<Word>) {
  return (
    <fieldset class={`choice${quiet ? " quiet" : ""}`}>
      <legend class="unseen">{label}</legend>
      {(Object.entries(words) as [Word, string][]).map(([word, shown]) => (
        <label key={word}>
          <input type="radio" name={name} value={word} checked={value === word} onChange={() => onChoose(word)} />
          <span>
            {shown}
            {notes && <small>{notes[word]}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
