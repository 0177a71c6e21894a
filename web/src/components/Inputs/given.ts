import { useEffect } from "preact/hooks";

/** Files and folders may be dropped, and a text pasted, anywhere on the page; without this the browser would open the file in its place. */
export function useGiven(onDrop: (files: File[], folders: FileSystemEntry[]) => void, onText: (text: string) => boolean) {
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      const { files, items } = event.dataTransfer ?? {};
      if (!files?.length || !items) return;
      event.preventDefault();
      const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
      onDrop([...files], entries.some((entry) => entry.isDirectory) ? entries : []);
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
