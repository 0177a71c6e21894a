import { useState } from "preact/hooks";
import { longestText } from "../../import/json";
import { methodKey } from "../../state/field";
import { usePage, useShownFields } from "../../state/page";
import * as text from "../../text/en";
import { wordName } from "../../text/words";
import { Choice } from "../Choice";
import { Field } from "../Field";
import { Hardware } from "../Hardware";
import { Later } from "../Later";
import { Method } from "../Method";
import { ModelField } from "../ModelField";
import { useGiven } from "./given";
import "./style.css";

export function Inputs() {
  const { form, set, issues } = usePage();
  const [refusal, setRefusal] = useState("");
  // What was dropped or pasted, for the part of the page that reads it.
  const [given, setGiven] = useState<object>();
  useGiven((files, folders) => setGiven({ files, folders }), (pasted) => {
    // Put into a field, so long a text would keep the browser busy for minutes.
    const tooLong = pasted.length > longestText;
    setRefusal(tooLong ? text.tooLong : "");
    const typing = document.activeElement?.matches("textarea, input:not([type=radio], [type=checkbox])");
    const isConfig = pasted.trimStart().startsWith("{") && document.activeElement?.tagName !== "TEXTAREA";
    if (tooLong) return true;
    if (isConfig && /"(model_type|architectures|_class_name)"/.test(pasted)) set({ "model.by": "config", "model.config": pasted });
    else if (isConfig || (!typing && pasted.trim())) setGiven({ text: pasted });
    else return false;
    return true;
  });

  const shown = useShownFields().filter(({ place }) => place !== "hardware");
  const folded = shown.filter((field) => field.folded);
  return (
    <form class="inputs" aria-label={text.inputs} onSubmit={(event) => event.preventDefault()}>
      <ModelField refusal={refusal} given={given} onFile={(file) => setGiven({ files: [file] })} />
      <section aria-label={text.task}>
        <h2 aria-hidden="true">{text.task}</h2>
        <Choice label={text.task} name="task" words={{ inference: wordName("inference"), training: wordName("training") }}
          value={form.values.task} onChoose={(task) => set({ task })} />
        {shown.some(({ key }) => key === methodKey) && <Method />}
        {shown.filter((field) => !field.folded && field.key !== methodKey).map((field) => <Field key={field.key} field={field} />)}
        {folded.length > 0 && <details class="more" open={folded.some(({ path }) => path in issues) || undefined}>
          <summary>{text.more}</summary>
          {folded.map((field) => <Field key={field.key} field={field} />)}
        </details>}
      </section>
      <Hardware />
      <Later load={() => import("../Starts")} />
    </form>
  );
}
