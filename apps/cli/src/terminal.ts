/**
 * What a terminal is shown. Texts from outside (why a freeze was raised, what a broker says) may hold characters that move the cursor, set a
 * colour or turn the direction of writing around: they would make one line look like another. Everything printed goes through here.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Lines of ours: only new lines and tabs stay what they are. */
export const printable = (text: string): string =>
  text.replaceAll(UNSEEN, (character) => (character === '\n' || character === '\t' ? character : '\uFFFD'));

/** A text from outside inside a line of ours: it cannot begin a line. */
export const onOneLine = (text: string): string => text.replaceAll(UNSEEN, '\uFFFD');

/** JSON of the same value, with every such character escaped: JSON.stringify escapes only those below U+0020. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(UNSEEN, (character) =>
    unitsOf(character)
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );

const unitsOf = (character: string): number[] => Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));

export const toStdout = (text: string): void => void process.stdout.write(`${printable(text)}\n`);
export const toStderr = (text: string): void => void process.stderr.write(`${printable(text)}\n`);
