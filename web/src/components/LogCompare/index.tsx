import { useMemo, useState } from "preact/hooks";
import { sizeText } from "../../format/bytes";
import { grouped, signedPercent } from "../../format/counts";
import { type Compared, compare, logReaders, longestLog, readLog } from "../../logs/compare";
import { usePage } from "../../state/page";
import * as text from "../../text/logs";
import { wordName } from "../../text/words";
import "./style.css";

/** The lines that an engine prints as it starts, each beside our figure. */
export default function LogCompare() {
  const [log, setLog] = useState("");
  const [refusal, setRefusal] = useState("");
  const take = (content: string) => {
    const tooLong = content.length > longestLog;
    setRefusal(tooLong ? text.tooLong : "");
    if (!tooLong) setLog(content);
  };
  const readFile = async (file: File) => {
    if (file.size > longestLog) return setRefusal(text.tooLong);
    try {
      take(await file.text());
    } catch {
      setRefusal(text.unreadable);
    }
  };
  const drop = (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    // Elsewhere on the page a file is a model's configuration.
    event.stopPropagation();
    void readFile(file);
  };

  return (
    <div class="log" onDrop={drop}>
      <textarea id="log-text" aria-label={text.label} aria-describedby="log-hint" rows={6} spellcheck={false} autocomplete="off" value={log} onInput={(event) => take(event.currentTarget.value)} />
      <p class="note" id="log-hint">
        {`${text.hint} `}
        <label class="file">
          {text.chooseFile}
          <input type="file" accept=".log,.txt,text/plain" onChange={(event) => event.currentTarget.files?.[0] && readFile(event.currentTarget.files[0])} />
        </label>
      </p>
      {refusal && <p class="refusal" role="alert">{refusal}</p>}
      {log.trim() && <Result log={log} />}
    </div>
  );
}

function Result({ log }: { log: string }) {
  const { answer, set } = usePage();
  const read = useMemo(() => readLog(log), [log]);
  if (!read)
    return (
      <div role="status">
        <p>{text.nothing(logReaders.map(({ engine }) => wordName(engine)))}</p>
        <ul>{logReaders.flatMap(({ looksFor }) => looksFor).map((words) => <li key={words}><code>{words}</code></li>)}</ul>
      </div>
    );
  const ours = answer?.scenario.engine?.name ?? "";
  if (!answer || ours !== read.engine)
    return (
      <p role="status">
        {`${text.otherEngine(wordName(read.engine), wordName(ours))} `}
        <button type="button" onClick={() => set({ task: "inference", "engine.name": read.engine })}>{text.switchTo(wordName(read.engine))}</button>
      </p>
    );
  return <Table rows={compare(read, answer)} />;
}

function Table({ rows }: { rows: Compared[] }) {
  const { unit } = usePage();
  const placed = rows.some(({ device }) => device !== undefined);
  const shown = (row: Compared, value?: number) =>
    value === undefined ? text.unanswered : row.bytes !== undefined ? sizeText(value, unit, 2) : row.quantity === "concurrency" ? value.toFixed(2) : grouped(value);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={text.caption}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.line}</th>
            {placed && <th scope="col">{text.where}</th>}
            {[text.log, text.here, text.off].map((name) => <th key={name} scope="col" class="number">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              <th scope="row" title={row.line}>{text.quantities[row.quantity]}</th>
              {placed && <td>{text.place(row.device)}</td>}
              <td class="number">{shown(row, row.bytes ?? row.count)}</td>
              <td class="number">{shown(row, row.ours)}</td>
              <td class="number">{row.off === undefined ? text.unanswered : signedPercent(row.off)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.some(({ ours }) => ours === undefined) && <p class="note">{text.notComparable}</p>}
    </div>
  );
}
