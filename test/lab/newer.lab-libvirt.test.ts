// The essential course of a VF with a newer libvirt than the machine's own, which is put in its place in the lab, and with
// its modular daemon. In a boot of the lab by itself: the libvirt that was there before is gone.

import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AttachCourse,
  describeWithAgent,
  endCourse,
  itComesBackFromADestroyedVm,
  itGivesAndTakesBack,
  itIsAFailoverPair,
  itIsKeptInTheDefinition,
  slow,
} from './attach-course.ts';
import { itIsConsistentWhenKilled } from './attach-killed.ts';
import { virsh } from './nested/lab-vm.ts';
import { installLibvirt } from './nested/libvirtd.ts';

/** Where it was unpacked (scripts/newer-libvirt.mjs). */
const root = process.env['VFLEET_TEST_LIBVIRT_ROOT'] ?? '';
const isCi = process.env['CI'] === 'true';
const olderMajor = 10;

beforeAll(async () => installLibvirt(root), slow);

describe('a VF of a VM of a newer libvirt', () => {
  const course = new AttachCourse('web-1');

  beforeAll(async () => course.start(), slow);
  afterAll(endCourse, slow);

  it('goes on with a VM that an older one saved', async () => {
    const [, major = '0'] = /Running against daemon: (\d+)\./.exec(await virsh('version', '--daemon')) ?? [];
    expect(Number(major)).toBeGreaterThan(olderMajor);
    expect(await virsh('domstate', 'web-1')).toContain('running');
  });

  itGivesAndTakesBack(course);
  itIsKeptInTheDefinition(course);
  itIsAFailoverPair(course);
  itIsConsistentWhenKilled(course);
  describeWithAgent(course, () => itComesBackFromADestroyedVm(course));
});

// Built from source, which may fail where apt has no source packages: never silently.
const hasVirtqemud = existsSync(`${root}/usr/sbin/virtqemud`);
describe.skipIf(!hasVirtqemud && !isCi)('a VF of a VM of virtqemud', () => {
  const course = new AttachCourse('web-2', 'virtqemud');

  beforeAll(async () => course.start(), slow);
  afterAll(endCourse, slow);

  it('has its socket alone', () => {
    expect(existsSync('/run/libvirt/virtqemud-sock')).toBe(true);
    expect(existsSync('/run/libvirt/libvirt-sock')).toBe(false);
    const pid = readFileSync('/run/virtqemud.pid', 'utf8').trim();
    expect(readlinkSync(`/proc/${pid}/exe`)).toBe('/usr/sbin/virtqemud');
  });

  itGivesAndTakesBack(course);
  itIsKeptInTheDefinition(course);
  itIsAFailoverPair(course);
  describeWithAgent(course, () => itComesBackFromADestroyedVm(course));
});
