import type { Answer } from "../../engine/types";
import { usePage } from "../../state/page";
import { deviceName } from "../../text/devices";
import { Bar } from "../Bar";
import { Uncounted } from "../Uncounted";
import { Verdict } from "../Verdict";

/** The answer in one sentence and one picture. */
export function Outcome({ waiting }: { waiting: boolean }) {
  const { answer, uncounted } = usePage();
  return (
    <>
      {uncounted ? <Uncounted model={uncounted} /> : <Verdict waiting={waiting} />}
      {answer && <Bar device={answer.devices[0]} name={severalNames(answer)} />}
    </>
  );
}

/** Which one the bar is about, where there are several. */
const severalNames = ({ devices: [first, ...others], scenario }: Answer) => (others.length > 0 || first.count > 1 ? deviceName(first, scenario.engine?.name) : undefined);
