import type { Bytes } from "../../engine/types";
import { exactText, sizeText } from "../../format/bytes";
import { usePage } from "../../state/page";

/** A size in the chosen unit, with the exact bytes on hover. */
export function Size({ bytes, digits = 2 }: { bytes: Bytes; digits?: number }) {
  const { unit } = usePage();
  return <span class="size" title={exactText(bytes)}>{sizeText(bytes, unit, digits)}</span>;
}
