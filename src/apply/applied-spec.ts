// Owns the record of the spec that was last applied: what the host offers to VMs is in it, and needs no file named.
// Does not read the spec itself; src/spec says what it means.

import { readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import { AppliedSpec } from '../model/journal.ts';
import { syncFolder } from '../kernel/folder-sync.ts';
import { openStateFolder, writeFileAtomically } from './state-folder.ts';

/** File of the record in a state folder; it changes as a whole. */
export function appliedSpecPath(stateFolder: string): string {
  return join(stateFolder, 'applied-spec.json');
}

/** Another text whenever the record is another one; read without its content. */
export function appliedSpecStamp(stateFolder: string): string {
  const found = statSync(appliedSpecPath(stateFolder), { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino}:${found.mtimeNs}`;
}

/**
 * The spec that was last applied on this host, undefined when none was, or when the only one was reverted. Its text is
 * as the file was then. Throws `journal.corrupt` for a record that cannot be understood, `file.unreadable`.
 */
export function readAppliedSpec(stateFolder: string): AppliedSpec | undefined {
  const path = appliedSpecPath(stateFolder);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw new VfleetError('file.unreadable', `${path}: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  }
  try {
    return AppliedSpec.parse(JSON.parse(text));
  } catch (cause) {
    throw new VfleetError('journal.corrupt', `${path} does not say which spec was applied`, {
      hint: 'apply the spec again: vfleet apply SPEC writes it anew',
      cause,
      details: { file: path },
    });
  }
}

/**
 * Makes `spec` the applied one; undefined: none is. After a crash the old record or the new one is there, mode 0600.
 * A record that says the same text of the same file already stays, with its time. Throws `file.unreadable`.
 */
export function writeAppliedSpec(stateFolder: string, spec: AppliedSpec | undefined): void {
  const path = appliedSpecPath(openStateFolder(stateFolder));
  const present = readAppliedSpecToReplace(stateFolder);
  if (spec !== undefined) {
    if (present?.text === spec.text && present.fileName === spec.fileName) return;
    writeFileAtomically(path, `${JSON.stringify(spec)}\n`);
    return;
  }
  try {
    unlinkSync(path);
    syncFolder(stateFolder);
  } catch (cause) {
    if (isAbsence(cause)) return;
    throw new VfleetError('file.unreadable', `${path}: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  }
}

/** The record for whoever replaces it: one that cannot be understood is as good as none then. */
export function readAppliedSpecToReplace(stateFolder: string): AppliedSpec | undefined {
  try {
    return readAppliedSpec(stateFolder);
  } catch (error) {
    if (error instanceof VfleetError && error.code === 'journal.corrupt') return undefined;
    throw error;
  }
}

function isAbsence(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
