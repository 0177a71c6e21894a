import type { Bytes, Device } from "../../engine/types";
import { exactText, rangeText, sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";
import * as text from "../../text/en";
import { shortName } from "../../text/words";
import "./style.css";

/** What a bar has to be long enough for. */
export const mostOf = ({ processBytes, usableBytes = 0 }: Device): Bytes => Math.max(processBytes.high, usableBytes);

/** Everything against the card: parts from left to right, then overheads with their band, the limit as a line. */
export function Bar({ device, name, scale }: { device: Device; name?: string; scale?: Bytes }) {
  const { unit } = usePage();
  const { components, allocatedBytes, processBytes, usableBytes } = device;
  const most = scale ?? mostOf(device);
  const share = (bytes: number) => `${(bytes / most) * 100}%`;
  const alive = components.filter(({ bytes }) => bytes > 0);
  const over = usableBytes !== undefined && processBytes.high > usableBytes;

  return (
    <figure class="bar" role="img" aria-label={describe()}>
      <div class="track">
        {alive.map(({ id, bytes }) => (
          <div key={id} class={`part c-${id}`} style={{ width: share(bytes) }} title={`${shortName(id)}: ${sizeText(bytes, unit, 2)} (${exactText(bytes)})`}>
            <span>{shortName(id)}</span>
          </div>
        ))}
        <div class="part c-overhead" style={{ width: share(processBytes.low - allocatedBytes) }} title={text.overheads} />
        <div class="part band" style={{ width: share(processBytes.high - processBytes.low) }}
          title={`${text.unsure}: ${rangeText(processBytes.low, processBytes.high, unit, 2)}`} />
        {over && <div class="over" style={{ left: share(usableBytes) }} title={text.overLimit} />}
      </div>
      {usableBytes !== undefined && (
        <div class={`limit${usableBytes / most < 0.7 ? " early" : ""}`} style={{ left: share(usableBytes) }}>
          <span title={exactText(usableBytes)}>{`${sizeText(usableBytes, unit)} ${text.limit}`}</span>
        </div>
      )}
    </figure>
  );

  function describe(): string {
    const parts = alive.map(({ id, bytes }) => `${shortName(id)} ${sizeText(bytes, unit)}`);
    const limit = usableBytes === undefined ? [] : [`${text.limit} ${sizeText(usableBytes, unit)}`];
    return `${text.bar}${name ? ` ${text.onDevice(name)}` : ""}: ${[...parts, `${text.overheads} ${sizeText(processBytes.expected - allocatedBytes, unit)}`, ...limit].join(", ")}`;
  }
}
