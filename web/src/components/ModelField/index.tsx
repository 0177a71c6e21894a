import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ModelBy } from "../../state/form";
import { usePage } from "../../state/page";
import { fileKey } from "../../state/typed_config";
import * as text from "../../text/en";
import { Choice } from "../Choice";
import { described, Frame } from "../Field";
import { ModelSearch } from "./search";
import "./style.css";

export function ModelField({ refusal, given, onFile }: { refusal: string; given?: object; onFile: (file: File) => void }) {
  const { form, set, issues } = usePage();
  const [Bring, setBring] = useState<FunctionComponent<{ given?: object }>>();
  useEffect(() => void import("../Bring/place").then((part) => setBring(() => part.Place), () => undefined), []);
  const by = form.values["model.by"] as ModelBy;
  return (
    <section aria-label={text.model}>
      <h2 aria-hidden="true">{text.model}</h2>
      <Choice label={text.model} name="model" words={(form.values[fileKey] ? { ...text.modelBy, file: text.file } : text.modelBy) as Record<ModelBy, string>} value={by} onChoose={(word) => set({ "model.by": word })} />
      {by === "id" && <ModelSearch />}
      {by === "config" && <ConfigText onFile={onFile} />}
      {by === "parameters" && (
        <Frame id="model-parameters" path="model.parameters" label={text.modelNames.parameters} hint={text.parametersNote}>
          <input {...described("model-parameters", "model.parameters" in issues)} autocomplete="off" placeholder={text.parametersHint}
            value={form.values["model.parameters"] ?? ""} onInput={(event) => set({ "model.parameters": event.currentTarget.value })} />
        </Frame>
      )}
      {by === "file" && <p>{form.values["model.file.name"] ?? text.fileOfLink}</p>}
      <div class="bring">{Bring && <Bring given={given} />}</div>
      {refusal && <p class="refusal" role="alert">{refusal}</p>}
    </section>
  );
}

function ConfigText({ onFile }: { onFile: (file: File) => void }) {
  const { form, set, issues } = usePage();
  return (
    <Frame id="model-config" path="model.config" label={text.modelNames.config} hint={text.configHint}>
      <div class="config">
        <textarea {...described("model-config", "model.config" in issues)} rows={7} spellcheck={false} autocomplete="off" placeholder='{ "model_type": … }'
          value={form.values["model.config"] ?? ""} onInput={(event) => set({ "model.config": event.currentTarget.value })} />
        <label class="file">
          {text.chooseFile}
          <input type="file" accept=".json,application/json" onChange={(event) => event.currentTarget.files?.[0] && onFile(event.currentTarget.files[0])} />
        </label>
      </div>
    </Frame>
  );
}
