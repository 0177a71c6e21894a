import type { Answer, Rates } from "../../engine/types";
import { rateText } from "../../format/counts";
import * as text from "../../text/details";

/** Tokens a second as the card's printed speeds and an assumed share of them allow; memory stands elsewhere. */
export function Throughput({ rates }: { rates: NonNullable<Answer["throughput"]> }) {
  const rows: [string, Rates | undefined][] = [
    [text.decodeRate, rates.decodeTokensPerSecond],
    [text.prefillRate, rates.prefillTokensPerSecond],
  ];
  return (
    <section class="quick">
      <h2>{text.throughput}</h2>
      <ul>
        {rows.map(([name, rate]) => rate && (
          <li key={name}>
            <span>{name}</span> <strong>{rateText(rate.expected)}</strong> {text.between(rateText(rate.low), rateText(rate.high))}
          </li>
        ))}
      </ul>
      <p>{text.shares(text.share(rates.bandwidthShare.expected), text.share(rates.computeShare.expected))}</p>
    </section>
  );
}
