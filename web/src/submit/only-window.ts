/** Milliseconds for which a window that was loaded again may still hold what it had. */
const LEAVING = 1000;

/**
 * Whether this window is the only one that has `name` now. It has it until it is closed or loaded
 * again. Browsers that cannot tell, as over plain HTTP, say yes to each.
 */
export function onlyWindow(name: string): Promise<boolean> {
  const { locks } = navigator;
  if (!locks) return Promise.resolve(true);
  const [arrived] = performance.getEntriesByType("navigation");
  const again = (arrived as PerformanceNavigationTiming | undefined)?.type === "reload";
  const patience = again ? { signal: AbortSignal.timeout(LEAVING) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const held = locks.request(name, patience, (lock) => {
      resolve(lock !== null);
      return lock && new Promise<never>(() => undefined);
    });
    held.catch(() => resolve(false));
  });
}
