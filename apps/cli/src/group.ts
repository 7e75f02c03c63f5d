import type { Command } from 'commander';

/** Finds or makes the command that groups others: `verify`, `token`. */
export function group(program: Command, name: string, description: string): Command {
  return program.commands.find((each) => each.name() === name) ?? program.command(name).description(description);
}
