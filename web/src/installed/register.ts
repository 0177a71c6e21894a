// Starts the service worker, and says when it has another release ready.

/** Never in the way: a browser that refuses has the page as it was. */
export async function register(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker || !location.protocol.startsWith("http")) return;
  const registration = await serviceWorker.register(new URL("sw.js", location.href)).catch(() => undefined);
  if (!registration) return;
  const announce = async (next: ServiceWorker) => {
    // The first one replaces nothing.
    if (serviceWorker.controller) (await import("../components/Update")).announce(next);
  };
  if (registration.waiting) void announce(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const next = registration.installing;
    next?.addEventListener("statechange", () => next.state === "installed" && void announce(next));
  });
}
