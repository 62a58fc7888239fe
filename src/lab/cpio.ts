// Owns the "newc" cpio format of Linux initramfs archives (Documentation/driver-api/early-userspace/buffer-format.rst).
// Writes only; must not touch the file system.

export interface CpioEntry {
  /** Path from the archive's root, without a slash in front. */
  readonly path: string;
  /** File type and permission bits as in st_mode. */
  readonly mode: number;
  /** Content of a file; undefined for a folder. */
  readonly content?: Uint8Array | undefined;
}

export const CpioMode = { folder: 0o040755, program: 0o100755, file: 0o100644 } as const;

/** The archive of these entries, in order, all owned by root; a folder must stand before what is in it. */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const chunks: Buffer[] = [];
  for (const [index, entry] of [...entries, { path: 'TRAILER!!!', mode: 0 }].entries()) {
    const content = ('content' in entry ? entry.content : undefined) ?? new Uint8Array();
    const path = Buffer.from(`${entry.path}\0`);
    const isFile = (entry.mode & 0o170000) === 0o100000;
    const fields = [
      index + 1, // inode
      entry.mode,
      0, // uid
      0, // gid
      isFile ? 1 : 2, // links
      0, // modification time: fixed, so that equal input gives equal bytes
      content.byteLength,
      0, // device major, minor
      0,
      0, // device number major, minor of a device node
      0,
      path.byteLength,
      0, // checksum: unused in this format
    ];
    const header = Buffer.from(
      `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`,
    );
    chunks.push(padded(Buffer.concat([header, path])), padded(content));
  }
  return Buffer.concat(chunks);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.byteLength & 3)]);
}
