// A built file's bytes: fetched where it is a file of its own, or, in the page that is one file, carried in its text.

export async function readAsset(address: string): Promise<ArrayBuffer | Uint8Array> {
  if (address.startsWith("data:")) return Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}
