import { idOf } from "../../catalog/named";
import { changeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import { trainingEngineKey } from "../../state/traits";
import * as text from "../../text/en";
import { fieldName } from "../../text/fields";
import { optionName } from "../../text/words";
import "./style.css";

const most = 4;
const firstWithBf16 = 8;

/** Single changes that would make it fit, the mildest of each menu; where none is enough, those that save most. A click makes the change. */
export function Ways() {
  const { differences, catalog, form, words, set, unit } = usePage();
  // Another engine is another question.
  const { "hardware.gpu": cards = {}, "engine.name": _, [trainingEngineKey]: __, ...menus } = differences;
  const saving = Object.entries(menus)
    .flatMap(([key, options]) => Object.entries(options).map(([word, { bytes = 0, fits }]) => ({ key, word, bytes, fits })))
    .filter(({ bytes }) => bytes < 0)
    .sort((a, b) => a.bytes - b.bytes);
  const enough = firstOfEach(saving.filter(({ fits }) => fits).reverse());
  const card = Object.keys(catalog.gpus)
    .filter((id) => cards[id]?.fits && offered(id))
    .sort((a, b) => Number.parseInt(catalog.gpus[a].memory) - Number.parseInt(catalog.gpus[b].memory))[0];
  if (saving.length === 0 && !card) return null;

  /** Of the same maker, and something to put in place of a card: neither a laptop nor a board without bf16. */
  function offered(id: string): boolean {
    const { class: kind = "", computeCapability = firstWithBf16 } = catalog.gpus[id];
    return id.split("/")[0] === idOf(form.values["hardware.gpu"], catalog.gpus).split("/")[0] && !["laptop", "embedded"].includes(kind) && computeCapability >= firstWithBf16;
  }

  return (
    <section class="ways">
      <h2>{enough.length > 0 || card ? text.wouldFit : text.savesMost}</h2>
      {(enough.length > 0 || card ? enough : firstOfEach(saving)).slice(0, most).map(({ key, word, bytes }) => (
        <button key={key + word} type="button" onClick={() => set({ [key]: word })}>
          {`${fieldName(key)}: ${optionName(key, word, words)} `}
          <b>{changeText(bytes, unit)}</b>
        </button>
      ))}
      {card && (
        <button type="button" onClick={() => set({ "hardware.gpu": card })}>
          {catalog.gpus[card].name} <b>{catalog.gpus[card].memory}</b>
        </button>
      )}
    </section>
  );
}

const firstOfEach = <Way extends { key: string }>(ways: Way[]) => ways.filter(({ key }, i) => ways.findIndex((way) => way.key === key) === i);
