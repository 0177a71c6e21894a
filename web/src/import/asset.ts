// A built file's bytes: fetched where it is a file of its own, or, in the page that is one file, carried in its text.

export async function readAsset(address: string): Promise<ArrayBuffer | Uint8Array<ArrayBuffer>> {
  if (address.startsWith("data:")) return decoded(address.slice(address.indexOf(",") + 1));
  return (await responseOf(address)).arrayBuffer();
}

/** For whoever can read a file while it arrives. */
export async function responseOf(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response;
}

export const jsonAt = async (address: string): Promise<unknown> => JSON.parse(new TextDecoder().decode(await readAsset(address)));

/** atob, since only node has Buffer and only browsers may fetch a data: URL under every policy. */
function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
