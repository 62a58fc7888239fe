// Unpacks and builds what tests of libvirt need beside the machine's own: `node prepare.js FOLDER`; prints JSON.
// scripts/newer-libvirt.mjs builds and starts it.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf } from '../../../src/base/errors.ts';
import { runProgram } from '../../../src/lab/program.ts';
import { findNewerLibvirt, majorOf, newerMajor, unpackLibvirt, unpackPolkit } from './packages.ts';
import { buildVirtqemud } from './virtqemud.ts';

/** What the script is told. */
interface Prepared {
  /** Folder of a newer libvirt, with virtqemud where that could be built; undefined: `reason` says why not. */
  libvirtRoot?: string;
  reason?: string;
  /** The machine's own libvirt is as new: what it is tested with anyway. */
  isOwn?: boolean;
  polkitRoot?: string;
}

const [folderArgument = ''] = process.argv.slice(2);
const folder = resolve(folderArgument);
const report = (line: string): void => console.error(`libvirt: ${line}`);
const prepared: Prepared = {};

const own = (await runProgram('virsh', ['--version'])).toString().trim();
prepared.isOwn = majorOf(own) >= newerMajor;
if (prepared.isOwn) {
  prepared.reason = `this machine's own libvirt is ${own}, which the other tests have`;
} else {
  try {
    const found = await findNewerLibvirt();
    if (found === undefined) throw new Error(`apt offers no libvirt ${newerMajor} or later`);
    const root = join(folder, 'libvirt');
    report(`libvirt ${found.version} is unpacked beside this machine's own ${own}, and not installed`);
    await unpackLibvirt(found, root);
    if (!existsSync(join(root, 'usr/sbin/virtqemud'))) {
      report('fetching the source of libvirt (10 MB) and building virtqemud, which Debian leaves out');
      // Its tests say that it is not there.
      await buildVirtqemud(found, root).catch((error: unknown) =>
        report(`no virtqemud: ${messageOf(error)}`),
      );
    }
    prepared.libvirtRoot = root;
  } catch (error) {
    prepared.reason = messageOf(error);
  }
}
try {
  const root = join(folder, 'polkit');
  await unpackPolkit(prepared.isOwn ? 'libvirt-daemon-common' : 'libvirt-daemon-system', root);
  prepared.polkitRoot = root;
} catch (error) {
  report(`no polkit: ${messageOf(error)}`);
}
console.log(JSON.stringify(prepared));
