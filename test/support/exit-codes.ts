/** Of effects-writer.ts. */
export const REFUSED = 3;
export const LOST = 4;
