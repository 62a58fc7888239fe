import { describe, expect, it } from 'vitest';
import { chooseLibvirt } from './packages.ts';

const origin = 'http://mirror.example/debian';

describe('chooseLibvirt', () => {
  it('takes the newest, and knows the suite that has it', () => {
    const madison = [
      `libvirt-daemon | 11.3.0-2~bpo12+1 | ${origin} bookworm-backports/main amd64 Packages`,
      `libvirt-daemon | 9.0.0-4+deb12u2 | ${origin} bookworm/main amd64 Packages`,
    ].join('\n');
    expect(chooseLibvirt(madison)).toEqual({
      version: '11.3.0-2~bpo12+1',
      upstream: '11.3.0',
      suite: 'bookworm-backports',
    });
  });

  it('orders versions by number, and passes over sources', () => {
    const madison = [
      `libvirt-daemon | 11.10.0-1 | ${origin} a/main amd64 Packages`,
      `libvirt-daemon | 11.9.0-1 | ${origin} b/main amd64 Packages`,
      `libvirt | 12.0.0-1 | ${origin} c/main Sources`,
    ].join('\n');
    expect(chooseLibvirt(madison)?.suite).toBe('a');
  });

  it('takes none that is too old', () => {
    expect(
      chooseLibvirt(`libvirt-daemon | 9.0.0-4 | ${origin} bookworm/main amd64 Packages`),
    ).toBeUndefined();
    expect(chooseLibvirt('')).toBeUndefined();
  });
});
