// The answer's table, to be pasted where Markdown is read.
import type { Answer, Device } from "../../engine/types";
import { exactText, sizeText, type Unit } from "../../format/bytes";
import { percentText } from "../../format/counts";
import * as text from "../../text/details";
import { deviceName } from "../../text/devices";
import { componentNames } from "../../text/words";

export function markdown({ devices, scenario }: Answer, unit: Unit): string {
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
