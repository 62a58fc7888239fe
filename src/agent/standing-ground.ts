// Owns what an attach can stand on without reading the host: offer and facts of the last comparison, for as long as nothing
// is known to have changed since. Whoever takes a VF looks at that VF once more under its lock.

import { appliedSpecStamp } from '../apply/applied-spec.ts';
import type { Ground } from '../assign/ground.ts';
import { VfleetError } from '../base/errors.ts';
import { choiceFactsOf } from '../inventory/choice-facts.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { resolveOffer } from '../spec/offer.ts';
import type { Comparison } from './comparison.ts';

export class StandingGround {
  readonly #files: FileTree;
  readonly #stateFolder: string;
  #standing: { readonly ground: Ground; readonly specStamp: string } | undefined;

  constructor(files: FileTree, stateFolder: string) {
    this.#files = files;
    this.#stateFolder = stateFolder;
  }

  /** Undefined: the host has to be read. */
  get ground(): Ground | undefined {
    if (this.#standing?.specStamp !== appliedSpecStamp(this.#stateFolder)) return undefined;
    return this.#standing.ground;
  }

  forget(): void {
    this.#standing = undefined;
  }

  /** Keeps what was just read. A spec that offers nothing here is for those to judge who ask for a VF. */
  keep({ spec, specStamp, snapshot }: Comparison): void {
    this.#standing = undefined;
    if ((spec.spec.networks ?? []).length === 0) return;
    try {
      const offer = resolveOffer(spec, snapshot);
      this.#standing = { ground: { offer, facts: choiceFactsOf(this.#files, snapshot) }, specStamp };
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
    }
  }
}
