import { describe, expect, it } from 'vitest';
import { byVersion, chooseKernel, headerPackages } from './debian.ts';

function offer(abi: string, version: string, source = version): string {
  const release = `${abi}-amd64`;
  return [
    `linux-image-${release} | ${version} | http://a.example bookworm/main amd64 Packages`,
    ...headerPackages({ abi, release, version }).map((name) => `${name} | ${version} | http://a.example`),
    `linux-source-6.12 | ${source} | http://a.example`,
  ].join('\n');
}

describe('chooseKernel', () => {
  it('takes the newest by value, not by spelling', () => {
    const madison = [
      offer('6.12.117+deb12', '6.12.117-1~deb12u1'),
      offer('6.12.95+deb12', '6.12.95-1~bpo12+1'),
    ];
    expect(chooseKernel(madison.join('\n'))).toEqual({
      release: '6.12.117+deb12-amd64',
      abi: '6.12.117+deb12',
      version: '6.12.117-1~deb12u1',
    });
  });

  it('passes over a kernel without headers or source of its own version', () => {
    const madison = [
      offer('6.12.95+deb12', '6.12.95-1'),
      offer('6.12.117+deb12', '6.12.117-1', '6.12.115-2'),
    ].join('\n');
    expect(chooseKernel(madison)?.version).toBe('6.12.95-1');
  });

  it('leaves out other flavours', () => {
    expect(chooseKernel(offer('6.12.95+deb12-cloud', '6.12.95-1'))).toBeUndefined();
    expect(chooseKernel('')).toBeUndefined();
  });
});

describe('byVersion', () => {
  it('orders numbers inside text', () => {
    expect(['6.12.117-1', '6.12.9-1', '6.12.95-1~bpo12+1'].sort(byVersion)).toEqual([
      '6.12.9-1',
      '6.12.95-1~bpo12+1',
      '6.12.117-1',
    ]);
  });
});
