/** A refused input. `code` is from the closed set of the module that throws it; the message is for people and never parsed. */
export class FormatError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}
