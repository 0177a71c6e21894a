// The answer's tables as comma-separated values, sizes in bytes.
import type { Answer } from "../../engine/types";
import { csvText } from "../../format/csv";
import { deviceName } from "../../text/devices";

export function csv({ devices, timeline = [], scenario }: Answer): string {
  const rows: unknown[][] = [["device", "count", "item", "bytes"]];
  for (const device of devices) {
    const add = (item: string, bytes: unknown) => rows.push([deviceName(device, scenario.engine?.name), device.count, item, bytes]);
    for (const { id, bytes } of device.components) add(id, bytes);
    add("allocated", device.allocatedBytes);
    for (const band of ["reservedBytes", "processBytes"] as const)
      for (const end of ["low", "expected", "high"] as const) add(`${band.replace("Bytes", "")} ${end}`, device[band][end]);
    if (device.usableBytes !== undefined) add("usable", device.usableBytes);
  }
  const ids = devices[0].components.map(({ id }) => id);
  const moments = timeline.filter(({ phase }) => phase !== "");
  if (moments.length > 0) rows.push([], ["phase", "at", "bytes", ...ids], ...moments.map(({ phase, at, bytes, components }) => [phase, at, bytes, ...ids.map((id) => components[id] ?? 0)]));
  return csvText(rows, "\r\n");
}
