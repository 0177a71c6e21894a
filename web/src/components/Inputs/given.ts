import { useEffect } from "preact/hooks";

/** A file may be dropped, and a text pasted, anywhere on the page; without this the browser would open the file in its place. */
export function useGiven(onFile: (file: File) => void, onText: (text: string) => boolean) {
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      onFile(file);
    };
    const paste = (event: ClipboardEvent) => {
      if (onText(event.clipboardData?.getData("text") ?? "")) event.preventDefault();
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  }, []);
}
