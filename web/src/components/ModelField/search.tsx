import { useMemo } from "preact/hooks";
import { idOf } from "../../catalog/named";
import { countText, shortCountText } from "../../format/counts";
import { previewOf } from "../../state/form";
import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { Search } from "../Search";

/** 4B stands before 14B. */
const byName = new Intl.Collator("en", { numeric: true });

export const searchId = "model-search";

export function ModelSearch() {
  const { form, catalog } = usePage();
  const { models } = catalog;
  const rows = useMemo(() => Object.keys(models).sort(byName.compare).map((id) => ({ id })), [models]);
  const known = models[form.values[previewOf("model.id")] || idOf(form.values["model.id"] ?? "", models)];
  return (
    <Search id={searchId} path="model.id" label={text.modelNames.id} placeholder={text.searchHint} rows={rows} byId={models} none={text.noMatch}
      hint={known && text.parameters(countText(known.parameters))} columns={({ id }) => [id, shortCountText(models[id].parameters)]} />
  );
}
