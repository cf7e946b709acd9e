/** What was spent in a currency. */
interface Spent {
  spent: number;
  currency: string;
}

/** The sum of costs, which all are in the kiosk's one currency; undefined where none is known. */
export function money(costs: readonly (Spent | null)[] | undefined): string | undefined {
  const known = (costs ?? []).filter((one): one is Spent => one !== null);
  const first = known[0];
  if (!first) return undefined;
  const sum = known.reduce((total, one) => total + one.spent, 0);
  return sum > 0 && sum < 0.005
    ? `< 0.01 ${first.currency}`
    : `${sum.toFixed(2)} ${first.currency}`;
}
