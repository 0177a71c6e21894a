import type { Answer } from "../../engine/types";
import { Accuracy } from "../Accuracy";
import { Breakdown } from "../Breakdown";
import { Devices } from "../Devices";
import { More } from "../More";
import { Notes } from "../Notes";
import { Print } from "../Print";
import { Quick } from "../Quick";
import { Throughput } from "../Throughput";
import { Timeline } from "../Timeline";
import "./style.css";

/** Everything below the verdict and the bar. */
export default function Answered({ answer }: { answer: Answer }) {
  return (
    <div class="details">
      {answer.timeline && answer.timeline.length > 1 && <Timeline answer={answer} />}
      {answer.devices.length > 1 ? <Devices answer={answer} /> : <Breakdown answer={answer} device={answer.devices[0]} />}
      <div class="pair">
        <Quick answer={answer} />
        {answer.throughput && <Throughput rates={answer.throughput} />}
        <Notes answer={answer} />
        <Accuracy answer={answer} />
      </div>
      <More />
      <Print answer={answer} />
    </div>
  );
}
