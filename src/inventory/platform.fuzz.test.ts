import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Errno, Kernel } from '../kernel/kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import { Platform } from '../model/platform.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import { readPlatform } from './platform.ts';

/** Pieces that the readers look for, so that rubbish gets past their first checks. */
const pieces = [
  '0',
  '1',
  '-1',
  '0-3,8',
  '99999999999999999999',
  '16383',
  'Y',
  'N',
  '[none]',
  '[integrity]',
  '\0',
  '\n',
  '\n\n',
  ' ',
  '\t',
  ':',
  'MemTotal:',
  'MemFree: 5 kB',
  'Node 0 MemTotal: 7 kB',
  'flags : vmx',
  'CPU0 CPU1',
  'IR-PCI-MSI',
  'PCI-MSIX',
  'Max locked memory',
  'bytes',
  'kernel/a/kvm.ko.xz:',
  'vendor_id : AuthenticAMD',
  'DMAR',
  'IVRS',
  '0\0\0\0',
  'QEMU emulator version 1.2.3',
  'x (libvirt) 1.2',
  'é',
  '__proto__',
  'SSDT1',
  'node0',
  'node1',
  'policy0',
  'state0',
  'hugepages-2048kB',
  'hugepages-999999999999kB',
  'tpm0',
  'pcr-sha1',
  '0000:01:00.0',
  'dmar0',
  'efi',
  'uevent',
  '..',
  'a/b',
  'DMA-FQ',
  '7',
  '8',
  'initstate',
];

const text = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((found) => found.join(''));
const content = fc.oneof(
  text.map((found) => Uint8Array.from(Buffer.from(found))),
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom<Errno>({ errno: 'ENOENT' }, { errno: 'EACCES' }, { errno: 'EIO' }, { errno: 'EFBIG' }),
);

/** A host on which every file, folder and program answers with something at random. */
function hostileKernel(answers: {
  readonly contents: readonly (Uint8Array | Errno)[];
  readonly folders: readonly (readonly string[])[];
  readonly places: readonly (string | undefined)[];
}): Kernel {
  let turn = 0;
  const next = <T>(list: readonly T[]): T => list[(turn += 1) % list.length] as T;
  const sim = createSimKernel({ profile: 'bare' });
  return {
    ...sim,
    files: {
      ...sim.files,
      readBytes: (_, maxBytes = 65_536) => {
        const answer = next(answers.contents);
        return answer instanceof Uint8Array ? answer.slice(0, maxBytes) : answer;
      },
      list: () => next(answers.folders),
      identity: () => next(answers.places),
      readLink: () => next(answers.places),
    },
    runTool: async () => next(answers.contents),
  };
}

it('makes a whole platform of whatever a kernel says', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        contents: fc.array(content, { minLength: 1, maxLength: 40 }),
        folders: fc.array(fc.array(fc.constantFrom(...pieces), { maxLength: 6 }), {
          minLength: 1,
          maxLength: 8,
        }),
        places: fc.array(fc.option(fc.constantFrom('1:2', '22:7'), { nil: undefined }), {
          minLength: 1,
          maxLength: 5,
        }),
      }),
      async (answers) => {
        const session = new KernelSession(hostileKernel(answers));
        const { platform, unread } = await readPlatform(session, ['igb', '__proto__']);
        expect(Platform.safeParse(platform).error?.message).toBeUndefined();
        expect(unread.every(({ fact }) => fact?.startsWith('platform.') === true)).toBe(true);
      },
    ),
    { numRuns: 1000 },
  );
});
