// Owns what a file tree is made of: folders, files, links. Contents are computed when they are asked for.
// Walking paths is in walk.ts; what stands in which folder is in the files beside.

import type { Errno } from '../../kernel/kernel.ts';

export type Content = string | Uint8Array | Errno;
/** Errno name, or undefined for success. */
export type WriteOutcome = string | undefined;

export interface FileNode {
  readonly kind: 'file';
  readonly read?: () => Content;
  readonly write?: (text: string) => WriteOutcome | Promise<WriteOutcome>;
  /** Device whose lock the kernel takes for a read or a write of this text. */
  readonly lock?: (text: string | undefined) => string | undefined;
  /** For faults: the device that the file is about. */
  readonly about?: { readonly pf?: string | undefined; readonly vf?: number | undefined };
  /** Device and inode number where they have a meaning (namespaces); otherwise they follow from the path. */
  readonly identity?: string;
}

export interface LinkNode {
  readonly kind: 'link';
  /** Absolute path that the link leads to; undefined for one that leads to no path (`socket:[1]`). */
  readonly target?: string;
  /** Text of the link where it is not the relative path to its target. */
  readonly text?: string;
  /** What a link without a path leads to. */
  readonly node?: TreeNode;
}

export interface FolderNode {
  readonly kind: 'folder';
  names(): readonly string[];
  child(name: string): TreeNode | undefined;
  /** Answer to opening or listing it. */
  readonly refusal?: string;
}

export type TreeNode = FileNode | LinkNode | FolderNode;

/** A file with this content; a line feed is added to text. */
export function line(content: string | number): FileNode {
  return { kind: 'file', read: () => `${content}\n` };
}

export function link(target: string): LinkNode {
  return { kind: 'link', target };
}

/** What stands in a folder of some subject: by name, a function that answers undefined where it is missing. */
export type FolderTable<Subject> = Readonly<Record<string, (subject: Subject) => TreeNode | undefined>>;

/** Members of a folder that no table can list, because their names are not fixed. */
export interface OpenMembers {
  names(): readonly string[];
  child(name: string): TreeNode | undefined;
}

const noMembers: OpenMembers = { names: () => [], child: () => undefined };

export function folder<Subject>(
  subject: Subject,
  table: FolderTable<Subject>,
  members: OpenMembers = noMembers,
): FolderNode {
  return {
    kind: 'folder',
    names: () => [
      ...Object.keys(table).filter((name) => table[name]?.(subject) !== undefined),
      ...members.names(),
    ],
    child: (name) => (Object.hasOwn(table, name) ? table[name]?.(subject) : undefined) ?? members.child(name),
  };
}

/** A folder of a fixed set of nodes. */
export function folderOf(nodes: Readonly<Record<string, TreeNode>>): FolderNode {
  return {
    kind: 'folder',
    names: () => Object.keys(nodes),
    child: (name) => (Object.hasOwn(nodes, name) ? nodes[name] : undefined),
  };
}

/** A folder whose members follow from a list of names. */
export function listFolder(
  names: () => readonly string[],
  child: (name: string) => TreeNode | undefined,
): FolderNode {
  return { kind: 'folder', names, child };
}
