import { useState } from "preact/hooks";
import type { Answer, Device, Scenario } from "../../engine/types";
import { exactText, sizeText, type Unit } from "../../format/bytes";
import { percentText } from "../../format/counts";
import { addressOf, linkOf, longestAddress } from "../../state/address";
import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { deviceName } from "../../text/engines";
import { componentNames } from "../../text/words";
import "./style.css";

/** Copies of what is on screen; a wrong input has no link and no figures to give. */
export function Export({ scenario }: { scenario?: Scenario }) {
  const { answer, stale, unit } = usePage();
  const [said, setSaid] = useState("");
  const copy = async (content: string) => {
    try {
      await navigator.clipboard.writeText(content);
      setSaid(text.copied);
    } catch {
      setSaid(text.notCopied);
    }
    setTimeout(setSaid, 2000, "");
  };
  const share = () => (addressOf(scenario).length > longestAddress ? setSaid(text.linkTooLong) : copy(linkOf(scenario)));
  const off = stale || !answer;

  return (
    <>
      <button type="button" disabled={!scenario} onClick={share}>{text.share}</button>
      <details class="export">
        <summary class="button">{text.exports}</summary>
        <div>
          <button type="button" disabled={off} onClick={() => copy(JSON.stringify(answer, null, 2))}>{text.copyJson}</button>
          <button type="button" disabled={off} onClick={() => copy(markdown(answer as Answer, unit))}>{text.copyMarkdown}</button>
        </div>
      </details>
      <span class="said" role="status">{said}</span>
    </>
  );
}

function markdown({ devices, scenario }: Answer, unit: Unit): string {
  const engine = scenario.engine?.name;
  return devices.map((device) => `${devices.length > 1 ? `**${deviceName(device, engine)}**\n\n` : ""}${deviceTable(device, unit)}`).join("\n\n");
}

function deviceTable(device: Device, unit: Unit): string {
  const row = (...cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(text.component, unit, "bytes", text.percent),
    "|---|---:|---:|---:|",
    ...device.components
      .filter(({ bytes }) => bytes > 0)
      .map(({ id, bytes }) => row(componentNames[id] ?? id, sizeText(bytes, unit, 2), exactText(bytes), percentText(bytes, device.allocatedBytes))),
    row(text.allocated, sizeText(device.allocatedBytes, unit, 2), exactText(device.allocatedBytes), "100"),
    row(text.process, sizeText(device.processBytes.expected, unit, 2), exactText(device.processBytes.expected), ""),
  ].join("\n");
}
