import { useState } from "preact/hooks";
import { readCommand } from "../../commands/read";
import { commandOf } from "../../commands/write";
import { readTraining } from "../../training_configs/read";
import { completedTraining, toolsFor, trainingText } from "../../training_configs/write";
import type { Scenario } from "../../engine/types";
import { usePage } from "../../state/page";
import * as text from "../../text/commands";
import { wordName } from "../../text/words";
import "./style.css";

/** The command for what is on screen, and a command as what is on screen. */
export default function Command() {
  return (
    <div class="command">
      <Written />
      <Read />
    </div>
  );
}

function Written() {
  const { scenario, answer, stale } = usePage();
  const [said, setSaid] = useState("");
  const engine = answer?.scenario.engine?.name ?? "";
  const [form, setForm] = useState("");
  const tools = scenario?.task === "training" ? toolsFor(engine || "torch") : [];
  const tool = tools.find(({ id }) => id === form) ?? (engine === "torch" ? undefined : tools[0]);
  const written = !scenario || !answer || stale ? undefined : tool ? { command: trainingText(tool, completedTraining(scenario, answer.scenario)), notes: [] } : commandOf(scenario, answer.scenario);
  if (!written) return <p>{text.none(wordName(engine))}</p>;
  const copy = async () => {
    const done = await navigator.clipboard.writeText(written.command).then(() => text.copied, () => text.notCopied);
    setSaid(done);
    setTimeout(setSaid, 2000, "");
  };
  return (
    <section>
      <h3>{text.written}</h3>
      {tools.length > 1 && (
        <select aria-label={text.writtenAs} value={form} onChange={(event) => setForm(event.currentTarget.value)}>
          <option value="">SFTConfig</option>
          {tools.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
      )}
      <pre tabIndex={0} aria-label={text.written}>{written.command}</pre>
      <button type="button" onClick={copy}>{text.copy}</button> <span role="status">{said}</span>
      {written.notes.map((note) => <p key={note} class="note">{note}</p>)}
    </section>
  );
}

function Read() {
  const { load, scenario, catalog } = usePage();
  const [command, setCommand] = useState("");
  const [problem, setProblem] = useState("");
  const [notes, setNotes] = useState<string[]>();
  const use = () => {
    setNotes(undefined);
    try {
      const training = readTraining(command.trim(), catalog.models);
      const read = training ? { notes: training.notes, scenario: { ...(training.model && { model: training.model }), ...training.scenario } } : readCommand(command, catalog.models);
      // What is read says nothing of the card, and arguments of a trainer nothing of the model.
      load({ ...(scenario && { model: scenario.model }), ...read.scenario, ...(scenario?.hardware && { hardware: scenario.hardware }) } as unknown as Scenario);
      setProblem("");
      setNotes(read.notes);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <section>
      <h3>{text.read}</h3>
      <textarea id="command-text" aria-label={text.read} aria-describedby="command-hint" aria-invalid={problem !== ""} rows={3} spellcheck={false} autocomplete="off" value={command}
        onInput={(event) => setCommand(event.currentTarget.value)} />
      <p class="note" id="command-hint">{text.readHint}</p>
      <button type="button" disabled={!command.trim()} onClick={use}>{text.use}</button>
      {problem && <p class="refusal" role="alert">{problem}</p>}
      {notes && (
        <div role="status">
          <p>{text.done}</p>
          {notes.map((note) => <p key={note} class="note">{note}</p>)}
        </div>
      )}
    </section>
  );
}
