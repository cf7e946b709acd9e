/**
 * Whether this window is the only one that has `name` now. It has it until it is closed or loaded
 * again. Browsers that cannot tell, as over plain HTTP, say yes to each.
 */
export function onlyWindow(name: string): Promise<boolean> {
  const { locks } = navigator;
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    void locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise<never>(() => undefined);
    });
  });
}
