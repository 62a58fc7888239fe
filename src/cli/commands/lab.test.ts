import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addLabCommand, readMachine } from './lab.ts';

const defaults = { nic: 'igb:2', iommu: 'intel' };

describe('readMachine', () => {
  it('has a machine without any option', async () => {
    expect(await readMachine(defaults)).toMatchObject({ nics: { count: 2 }, iommu: 'intel', memoryMb: 2000 });
    expect((await readMachine(defaults)).netdevsimVfs).toBeUndefined();
  });

  it('reads each option', async () => {
    const options = { nic: 'igb:0', iommu: 'amd', netdevsim: '256', memory: '1500', slotLink: '2.5x1' };
    expect(await readMachine(options)).toMatchObject({
      nics: { model: 'igb', count: 0 },
      netdevsimVfs: 256,
      iommu: 'amd',
      memoryMb: 1500,
      slotLink: { speedGTps: 2.5, width: 1 },
    });
  });

  it.each([
    { nic: 'foo:0' },
    { memory: '4000' },
    { memory: '2G' },
    { iommu: 'none' },
    { netdevsim: '0' },
    { netdevsim: '-1' },
    { netdevsim: '1e3' },
    { slotLink: '3x1' },
    { slotLink: '8' },
  ])('refuses %j', async (change) => {
    await expect(readMachine({ ...defaults, ...change })).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});

describe('addLabCommand', () => {
  it('offers run, shell and setup, with examples', () => {
    const program = new Command('vfleet');
    addLabCommand(program);
    const lab = program.commands.find((command) => command.name() === 'lab');
    expect(lab?.commands.map((command) => command.name())).toEqual(['run', 'shell', 'setup']);
  });
});
