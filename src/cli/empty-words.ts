// Owns the rule that no option and no argument is empty: an empty word mostly comes of a variable that is not set, and as a
// path it would mean the folder that one is in.

import type { Command } from 'commander';
import { VfleetError } from '../base/errors.ts';

/**
 * Throws `usage.invalid` for an empty option or argument of a command, or of `program` above it. An empty variable of the
 * environment counts as none.
 */
export function refuseEmptyWords(program: Command, command: Command): void {
  for (const owner of new Set([program, command])) {
    for (const option of owner.options) {
      const name = option.attributeName();
      if (owner.getOptionValue(name) !== '') continue;
      if (owner.getOptionValueSource(name) === 'env')
        owner.setOptionValueWithSource(name, option.defaultValue, 'default');
      else throw empty(option.long ?? option.flags);
    }
  }
  for (const [index, argument] of command.registeredArguments.entries())
    if (command.processedArgs[index] === '') throw empty(`the argument ${argument.name()}`);
}

function empty(what: string): VfleetError {
  return new VfleetError('usage.invalid', `${what} is empty`);
}
