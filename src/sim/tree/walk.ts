// Owns the walk along a path through a file tree, links included.

import { posix } from 'node:path';
import type { Errno } from '../../kernel/kernel.ts';
import type { FolderNode, LinkNode, TreeNode } from './node.ts';

/** As many links as Linux follows in one path (MAXSYMLINKS). */
const maxLinks = 40;

export interface Found {
  readonly node: TreeNode;
  /** The path without links. */
  readonly path: string;
}

/** Whether a walk ended before the path did. */
export function isMissing(found: Found | Errno): found is Errno {
  return 'errno' in found;
}

/**
 * What a path leads to; `follow: false` stops at a link that is the last part. `start` is where a path that is not
 * absolute begins.
 */
export function walk(
  root: FolderNode,
  path: string,
  options: { readonly follow: boolean; readonly start?: Found },
): Found | Errno {
  let node: TreeNode = options.start?.node ?? root;
  let at = options.start?.path ?? '';
  let parts = partsOf(path);
  let next = 0;
  let links = 0;
  for (;;) {
    const name = parts[next];
    if (node.kind === 'link' && (name !== undefined || options.follow)) {
      links += 1;
      if (links > maxLinks) return { errno: 'ELOOP' };
      if (node.node !== undefined) {
        node = node.node;
        continue;
      }
      if (node.target === undefined) return { errno: 'ENOENT' };
      parts = [...partsOf(node.target), ...parts.slice(next)];
      next = 0;
      node = root;
      at = '';
      continue;
    }
    if (name === undefined) return { node, path: at };
    if (node.kind !== 'folder') return { errno: 'ENOTDIR' };
    const child: TreeNode | undefined = node.child(name);
    if (child === undefined) return { errno: 'ENOENT' };
    node = child;
    at += `/${name}`;
    next += 1;
  }
}

/** Text of a link as it is stored: sysfs stores the relative path from the link's folder. */
export function textOfLink(node: LinkNode, path: string): string {
  if (node.text !== undefined) return node.text;
  return posix.relative(posix.dirname(path), node.target ?? '');
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}
