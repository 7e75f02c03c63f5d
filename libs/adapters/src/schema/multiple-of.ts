/** Whether a decimal is a multiple of another one, as written: 19.99 is one of 0.01, though no binary fraction says so. */

/** Decimal places that a divisor may have: powers of ten up to here are exact in binary. */
const PLACES_MAX = 15;
/** Decimals of up to 15 digits are told apart by their binary fractions. A larger one is no multiple: what cannot be known is refused. */
const UNITS_MAX = 1e15;

interface Divisor {
  /** The divisor is `units` / 10^`places`. */
  readonly units: number;
  readonly places: number;
}

/** undefined where no value could be compared with it. */
export function divisorOf(divisor: number): Divisor | undefined {
  if (Number.isSafeInteger(divisor)) return divisor > 0 ? { units: divisor, places: 0 } : undefined;
  for (let places = 1; places <= PLACES_MAX; places += 1) {
    const units = unitsOf(divisor, places);
    if (units !== undefined) return units > 0 ? { units, places } : undefined;
  }
  return undefined;
}

export function isMultipleOf(value: number, { units, places }: Divisor): boolean {
  if (places === 0) return value % units === 0; // the remainder of two floats is exact
  const found = unitsOf(value, places);
  return found !== undefined && found % units === 0;
}

/** The value in units of 10^-places, if it is a whole number of them. */
function unitsOf(value: number, places: number): number | undefined {
  const scale = 10 ** places;
  const units = Math.round(value * scale);
  return Math.abs(units) <= UNITS_MAX && units / scale === value ? units : undefined;
}
