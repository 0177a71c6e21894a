import type { Answer } from "../../engine/types";
import * as text from "../../text/details";
import { deviceName } from "../../text/devices";
import { Bar, mostOf } from "../Bar";
import { Breakdown } from "../Breakdown";
import "./style.css";

/** Where there is more than one kind: a bar and a table for each, the bars on one scale. */
export function Devices({ answer }: { answer: Answer }) {
  const { devices, scenario } = answer;
  const scale = Math.max(...devices.map(mostOf));
  return (
    <section class="devices">
      <h2>{text.devices}</h2>
      {devices.map((device, i) => {
        const name = deviceName(device, scenario.engine?.name);
        return (
          <section key={device.role}>
            <h3>{name}</h3>
            <Bar device={device} name={name} scale={scale} />
            <details open={i === 0}>
              <summary>{text.breakdown}</summary>
              <Breakdown answer={answer} device={device} name={name} />
            </details>
          </section>
        );
      })}
    </section>
  );
}
