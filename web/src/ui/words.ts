/** Numbers, sizes and times as people say them. */

const number = new Intl.NumberFormat("en-GB");
const few = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1234567 as "1,234,567". */
export function count(value: number): string {
  return number.format(value);
}

/** "1 image", "2 images". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A size in bytes as "12.3 MB". */
export function bytes(value: number): string {
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < BYTES.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${few.format(rest)} ${BYTES[unit]}`;
}

/** Seconds as "4 s", "3 min 20 s", "2 h 5 min", "3 days". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 172_800)
    return joined(Math.floor(whole / 3600), "h", Math.round((whole % 3600) / 60), "min");
  return counted(Math.round(whole / 86_400), "day");
}

/** Seconds since 1970 as a date and time of this place. */
export function when(seconds: number): string {
  return moment.format(seconds * 1000);
}

/** A measured number with three digits. */
export function measured(value: number): string {
  return few.format(value);
}

/** What the kiosk says, begun as sentences are. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;
}
