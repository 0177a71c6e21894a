import type { Answer, Device } from "../../engine/types";
import { exactText, rangeText, sizeNumber, sizeText, type Unit } from "../../format/bytes";
import { grouped } from "../../format/counts";
import { usePage } from "../../state/page";
import { isPartial } from "../../state/uncounted";
import * as text from "../../text/en";
import { deviceName } from "../../text/devices";
import { phaseNames, spokenName } from "../../text/words";
import "./style.css";

export function Verdict({ waiting }: { waiting: boolean }) {
  const { answer, stale, issues, unit } = usePage();
  const unplaced = issues[""] ?? [];
  return (
    <div class="verdict">
      {stale && (
        <p class={waiting ? "quiet" : "problem"}>
          {waiting ? text.waiting : `${answer ? text.notUpdated : text.noAnswer}: ${unplaced.join(" ") || text.seeFields(Object.keys(issues).length > 1)}`}
        </p>
      )}
      <p role="status" aria-live="polite">{answer && <Sentence answer={answer} unit={unit} />}</p>
      {answer && isPartial(answer) && <p class="partial">{answer.assumptions.filter(({ id }) => saysWhatIsExact.includes(id)).map(({ message }) => message).join(" ")}</p>}
    </div>
  );
}

/** The engine's own sentences about a model whose weights it knows and whose program it does not. */
const saysWhatIsExact = ["activations-unknown", "cache-from-fields"];

function Sentence({ answer, unit }: { answer: Answer; unit: Unit }) {
  const { devices, kvCache, scenario } = answer;
  const device = devices.find(({ fits }) => fits === false) ?? devices[0];
  const { expected } = device.processBytes;
  const { word, kind, rest } = judge(device, unit, isPartial(answer));
  const needed =
    device.usableBytes === undefined
      ? sizeText(expected, unit)
      : text.ofUsable(sizeNumber(expected, unit), sizeText(device.usableBytes, unit));
  return (
    <>
      <strong class={kind}>{word}</strong>
      <strong title={exactText(expected)}>{` ${needed}`}</strong>
      {devices.length > 1 || device.count > 1 ? ` ${text.onDevice(deviceName(device, scenario.engine?.name))}` : ""}
      {`${rest ? `, ${rest}` : ""}${isPartial(answer) ? "" : `; ${cause()}`}.`}
    </>
  );

  function cause(): string {
    // What an engine takes for its pool says nothing about what is asked of it.
    if (device.neededBytes !== undefined && device.usableBytes !== undefined && kvCache?.tokensThatFit !== undefined)
      return text.pooled(sizeText(device.neededBytes, unit), grouped(kvCache.tokensThatFit), (kvCache.concurrency ?? 0).toFixed(1));
    const blamed = causeOf(answer, device);
    return text.peak(phaseNames[device.peakPhase]?.at ?? device.peakPhase, spokenName(blamed.id), sizeText(blamed.bytes, unit));
  }
}

/** What makes this moment the highest: of the large parts the one that grew most, else the largest. */
function causeOf({ timeline = [] }: Answer, { components, allocatedBytes }: Device) {
  const moments = timeline.filter(({ phase }) => phase !== "");
  const growth = ({ id, bytes }: { id: string; bytes: number }) => bytes - Math.min(bytes, ...moments.map((moment) => moment.components[id] ?? 0));
  const large = components.filter(({ bytes }) => bytes > allocatedBytes / 5);
  return (large.length > 0 ? large : components).reduce((a, b) => (growth(b) - growth(a) || b.bytes - a.bytes) > 0 ? b : a);
}

/** "Probably" where the limit lies inside the band: then the expected figure alone decides nothing. */
function judge({ processBytes, usableBytes, fits, headroomBytes = 0 }: Device, unit: Unit, partial: boolean) {
  if (usableBytes === undefined) return { word: `${text.needs}:`, kind: "", rest: "" };
  const crosses = processBytes.low <= usableBytes && processBytes.high > usableBytes;
  const rest = crosses
    ? text.band(rangeText(processBytes.low, processBytes.high, unit))
    : fits
      ? text.room(sizeText(headroomBytes, unit))
      : text.short(sizeText(Math.abs(headroomBytes), unit));
  // What is not counted could only add to it.
  if (partial && (fits || crosses)) return { word: `${text.atLeast}:`, kind: "unsure", rest };
  const word = fits ? (crosses ? text.probablyFits : text.fits) : crosses ? text.probablyNot : text.fitsNot;
  return { word: `${word}:`, kind: crosses ? "unsure" : fits ? "good" : "bad", rest };
}
