/** Those of the named members that are there. */
export const pick = (from: object, names: readonly string[]): Record<string, unknown> => {
  const members = from as Readonly<Record<string, unknown>>;
  return Object.fromEntries(names.filter((name) => members[name] !== undefined).map((name) => [name, members[name]]));
};
